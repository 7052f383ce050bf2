//! What can be wrong with an oracle account.

use super::Family;

/// An oracle account that gives no price under the source it was read with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no price from the {family} oracle account: {problem}")]
pub struct OracleError {
    /// The family it was read as.
    pub family: Family,
    /// What is wrong.
    pub problem: Problem,
}

/// Why an oracle account gives no price. The program itself refuses each of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The account ends before the fields that make a price.
    #[error("it has {len} bytes, its price needs {needed}; check the market's oracle address")]
    TooShort {
        /// Bytes the account has.
        len: usize,
        /// Bytes the family's fields reach to.
        needed: usize,
    },
    /// The account is of another kind.
    #[error(
        "it begins with {found:#x}, not {expected:#x}: another kind of account; \
         check the market's oracle address and source"
    )]
    WrongMagic {
        /// What the account begins with.
        found: u64,
        /// What an account of the family begins with.
        expected: u64,
    },
    /// The account's verification level is neither full nor partial.
    #[error("its verification level {tag} is unknown; a newer version of the account?")]
    UnknownVerification {
        /// The byte that says the level.
        tag: u8,
    },
    /// The account has no more decimals than the source's multiplier takes away.
    #[error(
        "its exponent {exponent} leaves nothing for the source's multiplier of {multiplier}; \
         the market's oracle source does not suit this feed"
    )]
    ExponentDoesNotFit {
        /// The account's exponent.
        exponent: i32,
        /// The source's multiplier.
        multiplier: u32,
    },
    /// The power of ten that the account asks for does not fit into 128 bits.
    #[error("ten to the power of {decimals} is out of range; the account is not sane")]
    ScaleOutOfRange {
        /// The power of ten.
        decimals: u32,
    },
    /// A figure does not fit its type, as it lies or once scaled.
    #[error("its {what} is out of range; the account is not sane")]
    Overflow {
        /// Which figure.
        what: &'static str,
    },
    /// Nobody has submitted a value yet.
    #[error("no submission has landed in it yet; wait for the feed's first update")]
    NoSubmissions,
    /// The submissions have never been made into a result.
    #[error("it has no current result yet; wait for the feed's first update")]
    NoResult,
    /// The profile in use does not describe this account.
    #[error("the profile has no account {account} with the fields of a price; use another profile")]
    NotInProfile {
        /// The account's name in the program.
        account: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_family_and_what_is_wrong() {
        let error = OracleError {
            family: Family::Pyth,
            problem: Problem::TooShort { len: 3, needed: 224 },
        };
        assert_eq!(
            error.to_string(),
            "no price from the Pyth oracle account: it has 3 bytes, its price needs 224; \
             check the market's oracle address"
        );
        let problem = Problem::WrongMagic { found: 0xab, expected: 0xa1b2_c3d4 };
        assert!(problem.to_string().contains("begins with 0xab, not 0xa1b2c3d4"));
    }
}
