//! What the other side says, made fit for a log.

use crate::live::endpoint::Endpoint;
use crate::live::options::LiveOptions;

/// Longer texts are cut.
const LONGEST: usize = 200;

/// Takes the keys out of texts: providers like to repeat them when they refuse one.
#[derive(Clone, Default)]
pub(in crate::live) struct Words {
    secrets: Vec<String>,
}

impl Words {
    /// The keys of an endpoint.
    pub(in crate::live) fn of(endpoint: &Endpoint) -> Self {
        let mut words = Self { secrets: endpoint.secrets() };
        words.sort();
        words
    }

    /// Those, and the token.
    pub(super) fn new(options: &LiveOptions, endpoint: &Endpoint) -> Self {
        let mut words = Self::of(endpoint);
        words.secrets.extend(options.x_token.as_ref().map(|token| token.secret().to_owned()));
        words.sort();
        words
    }

    /// The longest first: one may be a part of another.
    fn sort(&mut self) {
        self.secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    }

    /// The text, on one line, of a length that fits a log, and without keys.
    pub(in crate::live) fn clean(&self, text: &str) -> String {
        let text = self.secrets.iter().fold(text.to_owned(), |text, it| text.replace(it, "…"));
        text.chars().filter(|c| !c.is_control()).take(LONGEST).collect()
    }
}

/// The innermost cause, which says what happened; those around it say where.
pub(super) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::endpoint::Token;

    #[test]
    fn no_key_is_left_in_what_a_provider_says() {
        let endpoint = "wss://me:hush@rpc.example.org/v2/PATH-SECRET?api-key=QUERY-SECRET";
        let endpoint = Endpoint::parse(endpoint, &["wss"]).unwrap();
        let mut options = LiveOptions::new("mainnet", endpoint.clone());
        options.x_token = Some(Token::new("TOKEN-SECRET").unwrap());
        let words = Words::new(&options, &endpoint);
        let said = words
            .clean("me:hush at /v2/PATH-SECRET?api-key=QUERY-SECRET with TOKEN-SECRET\nis unknown");
        assert!(!said.contains("SECRET") && !said.contains("hush"), "{said}");
        assert!(said.starts_with("…:… at /v2/…?api-key=… with …is unknown"), "{said}");
    }

    #[test]
    fn a_long_text_is_cut_after_its_keys_are_out() {
        let endpoint = Endpoint::parse("wss://rpc/PATH-SECRET", &["wss"]).unwrap();
        let words = Words::new(&LiveOptions::new("mainnet", endpoint.clone()), &endpoint);
        let said = words.clean(&format!("{}PATH-SECRET", "x".repeat(LONGEST - 4)));
        assert!(said.ends_with("x…") && said.chars().count() <= LONGEST, "{said}");
    }
}
