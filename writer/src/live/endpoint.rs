//! Where a provider is: a URL that may hold a key, and is therefore never shown whole.

use std::fmt;

use url::Url;

/// A provider's URL. What it prints is safe to log: scheme, host and port; keys are in the rest.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

impl Endpoint {
    /// A URL with one of these schemes.
    pub fn parse(text: &str, schemes: &[&str]) -> Result<Self, String> {
        let allowed = schemes.join(":// or ");
        let url = Url::parse(text.trim())
            .map_err(|error| format!("expected a URL with {allowed}:// ({error})"))?;
        if !schemes.contains(&url.scheme()) || url.host_str().is_none() {
            return Err(format!("expected a URL with {allowed}://"));
        }
        Ok(Self(url))
    }

    /// The whole of it, key and all: for connecting only.
    pub fn secret(&self) -> &str {
        self.0.as_str()
    }

    /// Whether a key may stand in it. On a command line, every user of the host would see it.
    pub fn may_hold_key(&self) -> bool {
        let url = &self.0;
        let has_login = !url.username().is_empty() || url.password().is_some();
        has_login || url.query().is_some() || url.path().len() > 1
    }

    /// The host, as TLS wants to see it in the certificate.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// Host and port, to connect to.
    pub fn authority(&self) -> String {
        let default = if self.is_tls() { 443 } else { 80 };
        format!("{}:{}", self.host(), self.0.port_or_known_default().unwrap_or(default))
    }

    /// The parts of it that may be keys, to be taken out of what others say.
    pub fn secrets(&self) -> Vec<String> {
        // Shorter ones are words of the path, such as `v2`.
        const SHORTEST: usize = 8;
        let url = &self.0;
        let path = url.path_segments().into_iter().flatten().map(str::to_owned);
        let query = url.query_pairs().map(|(_, value)| value.into_owned());
        let login = [url.username(), url.password().unwrap_or_default()].map(str::to_owned);
        let login = login.into_iter().filter(|it| !it.is_empty());
        path.chain(query).filter(|it| it.len() >= SHORTEST).chain(login).collect()
    }

    /// Whether the connection is encrypted.
    pub fn is_tls(&self) -> bool {
        matches!(self.0.scheme(), "https" | "wss")
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), self.host())?;
        if let Some(port) = self.0.port() {
            write!(f, ":{port}")?;
        }
        if self.may_hold_key() { f.write_str("/…") } else { Ok(()) }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A provider's token. Nothing prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A token of printable ASCII characters.
    pub fn new(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("expected a token of printable characters without spaces".to_owned());
        }
        Ok(Self(text.to_owned()))
    }

    /// The token itself: for connecting only.
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HTTP: [&str; 2] = ["http", "https"];

    #[test]
    fn what_is_printed_holds_no_key() {
        for (text, shown) in [
            ("https://rpc.example.org", "https://rpc.example.org"),
            ("https://rpc.example.org/v2/SECRET", "https://rpc.example.org/…"),
            ("http://rpc.example.org:8899/?api-key=SECRET", "http://rpc.example.org:8899/…"),
            ("https://me:SECRET@rpc.example.org/", "https://rpc.example.org/…"),
        ] {
            let endpoint = Endpoint::parse(text, &HTTP).unwrap();
            assert_eq!(endpoint.to_string(), shown);
            assert_eq!(format!("{endpoint:?}"), shown);
            assert_eq!(endpoint.may_hold_key(), text.contains("SECRET"));
            assert!(endpoint.secret().starts_with(text.trim_end_matches('/')));
        }
        assert_eq!(format!("{:?}", Token::new("SECRET").unwrap()), "…");
    }

    #[test]
    fn a_url_of_another_kind_is_refused_with_what_is_expected() {
        for text in ["", "rpc.example.org", "ftp://rpc.example.org", "ws://rpc", "https://"] {
            let error = Endpoint::parse(text, &HTTP).unwrap_err();
            assert!(error.contains("http:// or https://"), "{text}: {error}");
        }
        for text in ["", "two words", "line\nbreak", "ümlaut"] {
            assert!(Token::new(text).is_err(), "{text:?}");
        }
        assert_eq!(Token::new(" token\n").unwrap().secret(), "token");
    }
}
