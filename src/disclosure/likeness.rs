//! How alike two persons' names are, in whatever script and order they were written.
//!
//! A name is brought to Latin letters and parted into words. Words are paired, each with the one that is most like it, whatever
//! the order of family and given names. Where a script writes no vowels (Arabic, Hebrew) the consonants are compared: محمد is
//! written Muhammad, Mohamed and Mohammed. This finds candidates for a person to look at; it decides nothing.

use any_ascii::any_ascii_char;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// Names that are less alike than this are not told of. In thousandths.
pub const ALIKE: u16 = 860;

/// What a comparison of consonants alone is worth, beside one of whole words: where a script writes no others, …
const CONSONANTS: f64 = 0.96;
/// … and where a name was brought from such a script to Latin letters in two ways: Mohamed and Muhammad.
const CONSONANTS_OF_LATIN: f64 = 0.93;
/// Fewer consonants than this tell nothing of a word that was written with vowels.
const TELLING: usize = 3;

/// What each word of one name that has no like in the other costs; …
const UNPAIRED: f64 = 0.06;
/// … and the first, where the other is one word alone: by that nobody is found who has two.
const ALONE: f64 = 0.16;

/// A name has no more words than this; what follows is not looked at.
const WORDS: usize = 12;

/// Words that join names and tell nobody apart.
const PARTICLES: [&str; 16] =
    ["al", "el", "bin", "ben", "ibn", "bint", "abu", "de", "da", "do", "dos", "del", "la", "van", "von", "der"];

/// A name, ready to be compared.
#[derive(Clone)]
pub struct Name {
    words: Vec<Word>,
    has_no_vowels: bool,
}

/// A word in small Latin letters, whole and without its vowels.
#[derive(Clone)]
struct Word {
    letters: Zeroizing<String>,
    consonants: Zeroizing<String>,
}

impl std::fmt::Debug for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Name")
    }
}

/// Whether the script writes consonants only: Hebrew, Arabic with its supplements.
fn is_consonantal(c: char) -> bool {
    matches!(c, '\u{0590}'..='\u{05FF}' | '\u{0600}'..='\u{06FF}' | '\u{0750}'..='\u{077F}' | '\u{08A0}'..='\u{08FF}')
}

/// Whether a letter is a whole syllable: ideographs.
fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{323AF}')
}

/// The consonants of a word, none twice in a row, those that scripts tell apart and Latin spellings do not brought together.
fn consonants(word: &str) -> Zeroizing<String> {
    let mut kept = Zeroizing::new(String::with_capacity(word.len()));
    for c in word.chars() {
        let c = match c {
            'a' | 'e' | 'i' | 'o' | 'u' | 'y' | 'w' => continue,
            'q' | 'c' => 'k',
            'z' => 's',
            'p' => 'b',
            'v' => 'f',
            other => other,
        };
        if !kept.ends_with(c) {
            kept.push(c);
        }
    }
    kept
}

impl Name {
    /// A name as it was written.
    pub fn of(written: &str) -> Self {
        let mut latin = Zeroizing::new(String::with_capacity(written.len() + 8));
        let (mut has_no_vowels, mut ideographs) = (false, 0_u32);
        for c in written.nfkc() {
            // An apostrophe, a tatweel and marks over a letter part no words.
            if matches!(c, '\'' | '’' | 'ʼ' | '`' | '\u{0640}') || ('\u{064B}'..='\u{065F}').contains(&c) {
                continue;
            }
            has_no_vowels |= is_consonantal(c);
            // The family name is the first, and what follows is one given name; after them another word begins.
            match (is_ideograph(c), ideographs) {
                (true, 0 | 1) | (false, 1..) => latin.push(' '),
                (true, _) | (false, _) => {}
            }
            ideographs = if is_ideograph(c) { ideographs + 1 } else { 0 };
            latin.push_str(any_ascii_char(c));
        }
        let mut words: Vec<Zeroizing<String>> = latin
            .split(|c: char| !c.is_ascii_alphabetic())
            .filter(|word| !word.is_empty())
            .map(|word| Zeroizing::new(word.to_ascii_lowercase()))
            .collect();
        if has_no_vowels {
            // The article is written together with its noun.
            for word in &mut words {
                if let Some(noun) = word.strip_prefix("al").filter(|noun| noun.len() > 2) {
                    *word = Zeroizing::new(noun.to_owned());
                }
            }
        }
        if words.iter().any(|word| !PARTICLES.contains(&word.as_str())) {
            words.retain(|word| !PARTICLES.contains(&word.as_str()));
        }
        let words =
            words.into_iter().take(WORDS).map(|letters| Word { consonants: consonants(&letters), letters }).collect();
        Self { words, has_no_vowels }
    }

    /// Whether there is nothing to compare.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// How alike they are, in thousandths: 1000 for the same.
    pub fn likeness(&self, other: &Name) -> u16 {
        if self.is_empty() || other.is_empty() {
            return 0;
        }
        let has_no_vowels = self.has_no_vowels || other.has_no_vowels;
        let alike = |one: &Word, other: &Word| {
            let fewest = one.consonants.len().min(other.consonants.len());
            let sounded = match has_no_vowels {
                true if fewest > 0 => CONSONANTS * words_alike(&one.consonants, &other.consonants),
                false if fewest >= TELLING => CONSONANTS_OF_LATIN * words_alike(&one.consonants, &other.consonants),
                true | false => 0.0,
            };
            words_alike(&one.letters, &other.letters).max(sounded)
        };
        let mut best = paired(&self.words, &other.words, alike);
        best = best.max(joined(&self.words, &other.words, |word| &word.letters));
        if has_no_vowels {
            best = best.max(CONSONANTS * joined(&self.words, &other.words, |word| &word.consonants));
        }
        // Between 0 and 1, so that it fits.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000")]
        let thousandths = (best.clamp(0.0, 1.0) * 1000.0).round() as u16;
        thousandths
    }
}

/// How alike two names are when each word of the shorter is paired with one of the longer, the most alike first: the same either way.
fn paired(one: &[Word], other: &[Word], alike: impl Fn(&Word, &Word) -> f64) -> f64 {
    let (few, many) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    let mut pairs: Vec<(f64, f64, usize, usize)> = Vec::with_capacity(few.len() * many.len());
    for (at, word) in few.iter().enumerate() {
        for (with, other) in many.iter().enumerate() {
            let weight = letters_of(&word.letters).max(letters_of(&other.letters));
            pairs.push((alike(word, other), weight, at, with));
        }
    }
    // Of pairs that are as alike, the same one comes first whichever name is asked about.
    let words = |(_, _, at, with): &(f64, f64, usize, usize)| {
        let (one, other) = (few[*at].letters.as_str(), many[*with].letters.as_str());
        (one.min(other), one.max(other))
    };
    pairs.sort_by(|one, other| {
        other.0.total_cmp(&one.0).then(other.1.total_cmp(&one.1)).then_with(|| words(one).cmp(&words(other)))
    });
    let (mut ours, mut theirs) = (vec![false; few.len()], vec![false; many.len()]);
    let (mut sum, mut letters) = (0.0, 0.0);
    for (score, weight, at, with) in pairs {
        if !ours[at] && !theirs[with] {
            (ours[at], theirs[with]) = (true, true);
            sum += score * weight;
            letters += weight;
        }
    }
    if letters == 0.0 {
        return 0.0;
    }
    let lacking = number(many.len() - few.len());
    let cost = if few.len() == 1 && lacking > 0.0 { ALONE + UNPAIRED * (lacking - 1.0) } else { UNPAIRED * lacking };
    sum / letters - cost
}

fn number(words: usize) -> f64 {
    f64::from(u8::try_from(words).unwrap_or(u8::MAX))
}

fn letters_of(word: &str) -> f64 {
    f64::from(u16::try_from(word.len()).unwrap_or(u16::MAX))
}

/// Two words; an initial is like a word that begins with it, but less than the word itself.
fn words_alike(one: &str, other: &str) -> f64 {
    let (short, long) = if (one.len(), one) <= (other.len(), other) { (one, other) } else { (other, one) };
    if short.len() == 1 && long.len() > 1 {
        return if long.starts_with(short) { 0.85 } else { 0.0 };
    }
    let winkler = strsim::jaro_winkler(short, long);
    // A beginning in common is little in a short word, and where the rest differs.
    let edits = strsim::normalized_damerau_levenshtein(short, long);
    (winkler + edits) / 2.0
}

/// The same letters, whatever words they were parted into: Abd al-Rahman and Abdulrahman, Wang Xiaoming and Wang Xiao Ming.
fn joined(one: &[Word], other: &[Word], of: impl Fn(&Word) -> &Zeroizing<String>) -> f64 {
    let join = |words: &[Word]| Zeroizing::new(words.iter().map(|word| of(word).as_str()).collect::<String>());
    let (one, other) = (join(one), join(other));
    if one.is_empty() || other.is_empty() {
        return 0.0;
    }
    strsim::normalized_damerau_levenshtein(one.as_str().min(&other), one.as_str().max(&other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(one: &str, other: &str) -> u16 {
        let (a, b) = (Name::of(one), Name::of(other));
        assert_eq!(a.likeness(&b), b.likeness(&a), "{one} / {other}");
        a.likeness(&b)
    }

    #[test]
    fn one_person_is_known_again_in_another_script_order_or_spelling() {
        for (one, other) in [
            ("Ousmane Traoré", "OUSMANE TRAORE"),
            ("Ousmane Traoré", "Traoré, Ousmane"),
            ("Ousmane Traore", "Ousman Traoré"),
            ("Юрий Иванов", "Yuri Ivanov"),
            ("Сергей Петрович Кузнецов", "Sergey Kuznetsov"),
            ("محمد الحسن", "Muhammad al-Hassan"),
            ("محمد الحسن", "Mohamed Al Hasan"),
            ("Mohamed AL HASAN", "Muhammad al-Hassan"),
            ("عبد الرحمن إبراهيم", "Abdulrahman Ibrahim"),
            ("فاطمة خالد", "Khaled Fatima"),
            ("王伟", "Wang Wei"),
            ("王小明", "Xiaoming Wang"),
            ("O'Brien Patrick", "Patrick OBrien"),
            ("João da Silva", "Joao Silva"),
            ("Nguyễn Văn Minh", "Nguyen Van Minh"),
        ] {
            assert!(alike(one, other) >= ALIKE, "{one} / {other}: {}", alike(one, other));
        }
    }

    #[test]
    fn others_are_told_apart() {
        for (one, other) in [
            ("Ousmane Traoré", "Moussa Traoré"),
            ("Ousmane Traoré", "Ousmane Diallo"),
            ("Юрий Иванов", "Yuri Petrov"),
            ("محمد الحسن", "Mahmoud Hussein Khalil"),
            ("محمد الحسن", "Ahmad Saleh"),
            ("王伟", "Wang Fang"),
            ("王伟", "Li Wei"),
            ("Li Wei", "Lu Wu"),
            ("علي حسن", "Omar Khalil"),
            ("John Smith", "Jane Smithers"),
            ("Traoré", "Ousmane Traoré"),
            ("", "Ousmane Diallo"),
        ] {
            assert!(alike(one, other) < ALIKE, "{one} / {other}: {}", alike(one, other));
        }
    }

    proptest::proptest! {
        #[test]
        fn a_likeness_is_the_same_either_way_and_of_a_name_with_itself_whole(
            one in "[a-dA-D محمداХвЕюИ王小 '-]{0,16}",
            other in "[a-dA-D محمداХвЕюИ王小 '-]{0,16}",
        ) {
            let (one, other) = (Name::of(&one), Name::of(&other));
            proptest::prop_assert_eq!(one.likeness(&other), other.likeness(&one));
            proptest::prop_assert!(one.is_empty() || one.likeness(&one) == 1000);
        }
    }

    #[test]
    fn a_name_is_the_same_as_itself_and_prints_nothing() {
        for name in ["Ousmane Traoré", "محمد الحسن", "王伟", "al", "J"] {
            assert_eq!(alike(name, name), 1000, "{name}");
        }
        assert_eq!(format!("{:?}", Name::of("Ousmane Traoré")), "Name");
        assert!(Name::of(" .,- ").is_empty());
    }
}
