# For a shell, by `. tour.sh`. It holds the demo's passwords: for its owner only.
#
#   as WHO PATH [curl options]   asks as an account of the demo
#   show NAME...                 picks members out of an answer
#   of NAME                      the value of one member, bare

casque_address='{address}'

as() {
    casque_path=$2
    case $1 in
{accounts}
    *) echo "no such account: $1" >&2; return 2 ;;
    esac
    shift 2
    casque_token=$(curl -s "$casque_address/v1/sessions" -H content-type:application/json -d "$casque_login" | of access_token)
    curl -s "$casque_address$casque_path" -H "authorization: Bearer $casque_token" -H content-type:application/json "$@"
}

show() {
    grep -oE "\"($(echo "$*" | tr ' ' '|'))\":(\"[^\"]*\"|\{[^{}]*\}|\[[^][{}]*\]|[a-z0-9.]+)"
}

of() {
    show "$1" | head -n 1 | cut -d: -f2- | tr -d '"'
}
