# For a shell, by `. tour.sh`. It holds the demo's passwords and second factors: for its owner only.
#
#   as WHO PATH [curl options]   asks as an account of the demo
#   code WHO                     a code of its second factor that was not used yet
#   show NAME...                 picks members out of an answer
#   of NAME                      the value of one member, bare
#
# A sign-in is kept for ten minutes, in the demo's folder, since each takes a code of its own.

casque_address='{address}'
casque_folder='{folder}'

casque_who() {
    case $1 in
{accounts}
    *) echo "no such account: $1" >&2; return 2 ;;
    esac
}

casque_next() {
    casque_last=$(cat "$casque_folder/code-$1" 2>/dev/null || echo 0)
    casque_code=$(echo "$casque_secret" | '{program}' account code --after "$casque_last")
    (umask 077; echo "${casque_code#* }" > "$casque_folder/code-$1")
    echo "${casque_code% *}"
}

casque_sign_in() {
    casque_who "$1" || return
    casque_kept="$casque_folder/signed-in-$1"
    if [ -z "$(find "$casque_kept" -mmin -10 2>/dev/null)" ]; then
        casque_login="{\"email\":\"$casque_email\",\"password\":\"$casque_password\",\"code\":\"$(casque_next "$1")\"}"
        (umask 077; curl -s "$casque_address/v1/sessions" -H content-type:application/json -d "$casque_login" | of access_token > "$casque_kept")
    fi
}

code() {
    # Signed in first: that takes a code of its own, and none of an earlier step is good after it.
    casque_sign_in "$1" && casque_next "$1"
}

as() {
    casque_path=$2
    casque_sign_in "$1" || return
    shift 2
    curl -s "$casque_address$casque_path" -H "authorization: Bearer $(cat "$casque_kept")" -H content-type:application/json "$@"
}

show() {
    grep -oE "\"($(echo "$*" | tr ' ' '|'))\":(\"[^\"]*\"|\{[^{}]*\}|\[[^][{}]*\]|[a-z0-9.]+)"
}

of() {
    show "$1" | head -n 1 | cut -d: -f2- | tr -d '"'
}
