//! Rust source as the rules see it: code without comments and literals, and which lines are tests.

/// One source file, cut for searching. Lines count from zero here.
pub(crate) struct Source {
    /// The code with comments and the insides of literals blanked; same lines as the file.
    pub code: Vec<String>,
    /// Whether the line belongs to an item under `#[cfg(test)]` or `#[test]`.
    pub is_test: Vec<bool>,
}

impl Source {
    pub(crate) fn new(text: &str) -> Self {
        let blanked = blank(text);
        let is_test = test_lines(&blanked);
        let code = blanked.split('\n').map(str::to_owned).collect();
        Self { code, is_test }
    }

    /// Lines of the program itself: number (from zero) and code.
    pub(crate) fn program_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.code.iter().zip(&self.is_test).enumerate();
        lines.filter(|(_, (_, is_test))| !**is_test).map(|(number, (code, _))| (number, code.as_str()))
    }
}

/// Whether `pattern` stands in `code` with no identifier character directly before or after it.
pub(crate) fn has_word(code: &str, pattern: &str) -> bool {
    words(code, pattern).next().is_some()
}

/// Whether `pattern` stands in `code` as the root of a path: a crate, not a module of ours of that name.
pub(crate) fn has_crate(code: &str, pattern: &str) -> bool {
    words(code, pattern).any(|start| {
        let before = code[..start].trim_end();
        let Some(parent) = before.strip_suffix("::") else {
            return !before.ends_with("mod");
        };
        // `::name` is a crate again.
        !parent.ends_with(is_identifier)
    })
}

fn words(code: &str, pattern: &str) -> impl Iterator<Item = usize> {
    let glued =
        |edge: Option<char>, other: Option<char>| edge.is_some_and(is_identifier) && other.is_some_and(is_identifier);
    code.match_indices(pattern).map(|(start, _)| start).filter(move |&start| {
        let before = code[..start].chars().next_back();
        let after = code[start + pattern.len()..].chars().next();
        !glued(pattern.chars().next(), before) && !glued(pattern.chars().next_back(), after)
    })
}

fn is_identifier(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Replaces comments and the insides of string and character literals by spaces.
fn blank(text: &str) -> String {
    let characters = text.chars().collect::<Vec<_>>();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < characters.len() {
        let end = skipped(&characters, at);
        if end > at {
            out.extend(characters[at..end].iter().map(|&c| if c == '\n' { '\n' } else { ' ' }));
            at = end;
        } else {
            out.push(characters[at]);
            at += 1;
        }
    }
    out
}

/// The end of the comment or literal that starts at `at`, or `at` when none does.
fn skipped(text: &[char], at: usize) -> usize {
    let next = text.get(at + 1).copied();
    match text[at] {
        '/' if next == Some('/') => find(text, at, |rest| rest[0] == '\n'),
        '/' if next == Some('*') => block_comment(text, at),
        '"' => string(text, at),
        '\'' => character(text, at),
        'r' | 'b' | 'c' if !continues_word(text, at) => prefixed_string(text, at),
        _ => at,
    }
}

fn continues_word(text: &[char], at: usize) -> bool {
    at > 0 && (text[at - 1].is_alphanumeric() || text[at - 1] == '_')
}

fn find(text: &[char], from: usize, matches: impl Fn(&[char]) -> bool) -> usize {
    (from..text.len()).find(|&at| matches(&text[at..])).unwrap_or(text.len())
}

fn block_comment(text: &[char], start: usize) -> usize {
    let (mut depth, mut at) = (0_usize, start);
    while at < text.len() {
        let pair = (text[at], text.get(at + 1).copied().unwrap_or(' '));
        match pair {
            ('/', '*') => (depth, at) = (depth + 1, at + 2),
            ('*', '/') => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

fn string(text: &[char], quote: usize) -> usize {
    let mut at = quote + 1;
    while at < text.len() {
        match text[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// A lifetime has no closing quote after its first character.
fn character(text: &[char], quote: usize) -> usize {
    match (text.get(quote + 1), text.get(quote + 2)) {
        (Some('\\'), _) => find(text, quote + 3, |rest| rest[0] == '\'') + 1,
        (Some(_), Some('\'')) => quote + 3,
        _ => quote,
    }
}

/// `r"..."`, `r#"..."#`, `b"..."`, `br#"..."#`, `c"..."`.
fn prefixed_string(text: &[char], start: usize) -> usize {
    let mut at = start;
    while matches!(text.get(at), Some('b' | 'c')) && at < start + 1 {
        at += 1;
    }
    let raw = text.get(at) == Some(&'r');
    at += usize::from(raw);
    let hashes = text[at.min(text.len())..].iter().take_while(|&&c| c == '#').count();
    let quote = at + if raw { hashes } else { 0 };
    if text.get(quote) != Some(&'"') {
        return start;
    }
    if !raw {
        return string(text, quote);
    }
    let closes = |rest: &[char]| rest[0] == '"' && rest.len() > hashes && rest[1..=hashes].iter().all(|&c| c == '#');
    (find(text, quote + 1, closes) + 1 + hashes).min(text.len())
}

fn test_lines(code: &str) -> Vec<bool> {
    let mut is_test = vec![false; code.split('\n').count()];
    for attribute in ["#[cfg(test)]", "#[test]", "#[cfg(all(test"] {
        for (start, _) in code.match_indices(attribute) {
            let end = start + item_length(&code[start..]);
            let line = |at: usize| code[..at].matches('\n').count();
            for flag in &mut is_test[line(start)..=line(end)] {
                *flag = true;
            }
        }
    }
    // An inner attribute makes the whole file a test.
    if code.contains("#![cfg(test)]") {
        is_test.fill(true);
    }
    is_test
}

/// From an attribute to the `}` or `;` that ends its item.
fn item_length(code: &str) -> usize {
    let (mut braces, mut others) = (0_i32, 0_i32);
    for (at, character) in code.char_indices() {
        match character {
            '(' | '[' => others += 1,
            ')' | ']' => others -= 1,
            '{' => braces += 1,
            '}' => braces -= 1,
            _ => {}
        }
        let closed = braces == 0 && others == 0;
        if closed && matches!(character, '}' | ';') {
            return at;
        }
    }
    code.len().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::{Source, has_crate, has_word};

    fn program(text: &str) -> String {
        let source = Source::new(text);
        let lines = source.program_lines().map(|(_, code)| code.trim_end()).collect::<Vec<_>>();
        lines.join("\n")
    }

    #[test]
    fn comments_and_literals_are_not_code() {
        for text in [
            "// .unwrap()",
            "/* a /* nested */ .unwrap() */",
            "let a = \".unwrap() \\\" .unwrap()\";",
            "let a = r#\"\".unwrap()\"#;",
            "let a = br\".unwrap()\";",
            "let a = b\".unwrap()\";",
            "let a: &'static str = \".unwrap()\";",
            "let a = ('\"', '\\'', \".unwrap()\");",
        ] {
            assert!(!program(text).contains("unwrap"), "{text}: {}", program(text));
        }
    }

    #[test]
    fn code_beside_literals_stays_code() {
        for text in [
            "fn f<'a>(x: &'a str) { x.parse().unwrap() }",
            "let c = '\"'; x.unwrap(); let d = '\"';",
            "let r = r\"\\\"; x.unwrap();",
            "attr\"x\".unwrap()",
        ] {
            assert!(program(text).contains("unwrap"), "{text}: {}", program(text));
        }
    }

    #[test]
    fn items_under_test_attributes_are_left_out() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n  fn b() { let x = [1; 2]; }\n}\nfn c() {}\n#[cfg(test)]\nmod d;\nfn e() {}";
        assert_eq!(program(text), "fn a() {}\nfn c() {}\nfn e() {}");
    }

    #[test]
    fn a_word_is_not_found_inside_another() {
        assert!(has_word("use ort::Session;", "ort::"));
        assert!(!has_word("use support::Session;", "ort::"));
        assert!(!has_word("Instantly", "Instant"));
        assert!(has_word("x.unwrap()", ".unwrap()"));
    }

    #[test]
    fn a_module_of_the_same_name_is_no_crate() {
        assert!(has_crate("use nokhwa::Camera;", "nokhwa"));
        assert!(has_crate("::nokhwa::Camera::new()", "nokhwa"));
        assert!(!has_crate("crate::camera::nokhwa::open()", "nokhwa"));
        assert!(!has_crate("pub mod nokhwa;", "nokhwa"));
    }
}
