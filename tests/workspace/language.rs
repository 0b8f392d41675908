//! The words of the documents and of the program's help: short sentences, the field's terms.

/// Phrases of an earlier language of this project, each with what to write instead.
const PHRASES: [(&str, &str); 26] = [
    ("training part", "training set"),
    ("validation part", "validation set"),
    ("test part", "test set"),
    ("scored part", "scored set"),
    ("goes on", "resumes, or continues"),
    ("go on", "resume, or continue"),
    ("going on", "resuming, or continuing"),
    ("went on", "resumed, or continued"),
    ("trained further", "continued"),
    ("train further", "continue"),
    ("training further", "continuing"),
    ("trains further", "continues"),
    ("put aside", "backed up"),
    ("set aside", "backed up"),
    ("so many", "a number"),
    ("what is there", "the existing file"),
    ("spoken of", "given"),
    ("the share of", "the fraction of"),
    ("a share of the", "a fraction of the"),
    ("as a share", "as a fraction"),
    ("rows of a season", "season length"),
    ("against each other", "compared"),
    ("nobody named", "unknown"),
    ("comes to nothing", "fails"),
    ("of one that", "a noun"),
    ("is told", "receives, or prints"),
];
/// Words of a sentence.
const LONGEST_SENTENCE: usize = 20;

/// What is wrong with a text: phrases, and sentences that are too long.
///
/// Code, tables, headings and links are not read as sentences.
pub(crate) fn problems(text: &str) -> Vec<String> {
    let items = text.split("\n\n").flat_map(|block| block.split("\n- "));
    let mut problems: Vec<String> = items.flat_map(phrases).collect();
    for paragraph in paragraphs(text) {
        for sentence in sentences(&paragraph) {
            let words = sentence.split_whitespace().filter(|word| is_word(word)).count();
            if words > LONGEST_SENTENCE {
                problems.push(format!("{words} words: {}", sentence.trim()));
            }
        }
    }
    problems
}

/// Phrases of [`PHRASES`] in a text, whole words in any case.
pub(crate) fn phrases(text: &str) -> Vec<String> {
    let of_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let plain: String =
        text.chars().map(|letter| if of_word(letter) { letter } else { ' ' }).collect();
    let words: Vec<String> = plain.split_whitespace().map(str::to_lowercase).collect();
    let plain = format!(" {} ", words.join(" "));
    let found = PHRASES.iter().filter(|(phrase, _)| plain.contains(&format!(" {phrase} ")));
    found.map(|(phrase, better)| format!("`{phrase}`: write {better}")).collect()
}

fn is_word(text: &str) -> bool {
    text.chars().any(char::is_alphabetic)
}

/// Paragraphs and items of lists, without code, tables and headings.
fn paragraphs(text: &str) -> Vec<String> {
    let (mut paragraphs, mut current, mut in_code) = (Vec::new(), String::new(), false);
    for line in text.lines() {
        let is_indented_code = line.starts_with("    ");
        let line = line.trim();
        let is_fence = line.starts_with("```");
        let is_text = !in_code
            && !is_indented_code
            && !is_fence
            && !line.starts_with(['|', '#', '<', '!', '[', '─']);
        let starts = line.is_empty()
            || !is_text
            || line.starts_with("- ")
            || line.starts_with("* ")
            || line.split_once(". ").is_some_and(|(number, _)| number.parse::<u8>().is_ok());
        if starts && !current.is_empty() {
            paragraphs.push(std::mem::take(&mut current));
        }
        in_code ^= is_fence;
        if is_text {
            current += line;
            current.push(' ');
        }
    }
    paragraphs.push(current);
    paragraphs
}

/// Sentences, and what a colon or a semicolon separates; a piece of code is one word.
fn sentences(paragraph: &str) -> Vec<String> {
    let mut text = String::new();
    for (index, piece) in paragraph.replace("**", "").split('`').enumerate() {
        text += if index % 2 == 0 { piece } else { "code" };
    }
    let mut without_addresses = String::new();
    for (index, piece) in text.split("](").enumerate() {
        let rest = piece.split_once(')').map_or("", |(_, rest)| rest);
        without_addresses += if index == 0 { piece } else { rest };
    }
    let ends = [". ", "? ", "! ", ": ", "; "];
    let mut sentences = vec![without_addresses];
    for end in ends {
        sentences = sentences
            .iter()
            .flat_map(|sentence| sentence.split(end).map(str::to_owned).collect::<Vec<_>>())
            .collect();
    }
    sentences
}

#[test]
fn long_sentences_and_old_phrases_are_found() {
    let long = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen \
                fifteen sixteen seventeen eighteen nineteen twenty";
    assert_eq!(problems(&format!("{long}. {long}: `a b c`.")), Vec::<String>::new());
    assert_eq!(problems(&format!("- {long}\n  `a b c` ends.")).len(), 1);
    assert_eq!(problems(&format!("| {long} {long} |\n\n```\n{long} more\n```\n")).len(), 0);
    assert_eq!(problems("The Test-Part\nis scored.").len(), 1);
}
