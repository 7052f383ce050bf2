//! Why a profile was refused.

use super::path::PathError;

/// Why bytes are not a profile.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// More bytes than any profile needs.
    #[error("a profile of {len} bytes is too long: at most {max} are read")]
    TooLong {
        /// How long it is.
        len: usize,
        /// How long it may be.
        max: usize,
    },
    /// Not JSON, or not that of a profile.
    #[error("this is no profile: {0}")]
    Json(#[from] serde_json::Error),
    /// Written for another version of driftshm.
    #[error(
        "this profile has format {found}, but only format {known} is known here: \
         use the writer and reader of one driftshm release"
    )]
    Format {
        /// The format it says it has.
        found: u64,
        /// The one known here.
        known: u64,
    },
    /// It reads well but makes no sense.
    #[error("profile {at}: {problem}")]
    Invalid {
        /// The place in the profile, such as `structs.AMM.oracle`.
        at: String,
        /// What is wrong there.
        #[source]
        problem: Problem,
    },
}

/// What is wrong at some place in a profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A name with other characters than a Python attribute may have, or too long.
    #[error("{text:?} is no name: use 1 to 64 ASCII letters, digits and _, no digit first")]
    Name {
        /// What was given, cut after 64 characters.
        text: String,
    },
    /// A text that is too long or has characters that do not print.
    #[error("a text here is one line of at most {max} bytes, without control characters")]
    Text {
        /// How many bytes it may have.
        max: usize,
    },
    /// The same name twice, or the name of a built-in type.
    #[error("the name is taken already")]
    Duplicate,
    /// More entries than any program needs.
    #[error("{found} entries are too many: at most {max}")]
    TooMany {
        /// How many there are.
        found: usize,
        /// How many there may be.
        max: usize,
    },
    /// None where at least one is needed.
    #[error("there must be at least one entry")]
    Empty,
    /// Not the base58 form of an address.
    #[error("{text:?} is not an address in base58")]
    Address {
        /// What was given, cut after 64 characters.
        text: String,
    },
    /// A type that is neither built in nor among the profile's structs and enums.
    #[error(
        "there is no type {text:?}: use bool, u8 to u128, i8 to i128, pubkey, [type;length], or a \
         struct or enum of this profile"
    )]
    UnknownType {
        /// What was given, cut after 64 characters.
        text: String,
    },
    /// A size of zero, or above the limit.
    #[error("a size of {size} bytes is out of bounds: 1 to {max}")]
    Size {
        /// The size.
        size: u64,
        /// The largest that is allowed.
        max: usize,
    },
    /// A struct that contains itself.
    #[error("the struct contains itself")]
    Recursive,
    /// Structs and arrays within each other, too often.
    #[error("structs and arrays are nested deeper than {max} levels")]
    TooDeep {
        /// How many levels there may be.
        max: u8,
    },
    /// A field that starts before the one listed above it ends.
    #[error("it starts at {offset}, but the fields before it reach to {reached}")]
    Overlap {
        /// Where it starts.
        offset: u32,
        /// Where the fields listed before it end.
        reached: u64,
    },
    /// A field that does not lie in its struct.
    #[error("it ends at {end}, past the end of its struct of {size} bytes")]
    Outside {
        /// Where it ends.
        end: u64,
        /// The size of the struct.
        size: usize,
    },
    /// A unit that the profile does not list, or on a field that is no number.
    #[error("there is no unit {unit:?} among the profile's, or the field is no integer")]
    Unit {
        /// The unit's name, cut after 64 characters.
        unit: String,
    },
    /// More decimals than an integer of 16 bytes can carry.
    #[error("{decimals} decimals are too many: at most {max}")]
    Decimals {
        /// How many it says.
        decimals: u8,
        /// How many there may be.
        max: u8,
    },
    /// An account without a struct of its name.
    #[error("there is no struct of this account's name")]
    NoStruct,
    /// A second account of a kind that has one only.
    #[error("there is another account of this kind; only oracles may have several")]
    SecondOfKind,
    /// Not eight bytes in hexadecimal, or those of another account.
    #[error("{text:?} is no discriminator: 16 hexadecimal digits, different for every account")]
    Discriminator {
        /// What was given, cut after 64 characters.
        text: String,
    },
    /// The account's length is not its discriminator and its struct.
    #[error("its length is {found}, but the discriminator and the struct take {expected}")]
    Length {
        /// The length it says.
        found: u64,
        /// What it has to be.
        expected: u64,
    },
    /// A least length, or a list of lengths, that cannot be.
    #[error("min_len and lengths must lie between 9 and {max}, min_len not above len")]
    Lengths {
        /// The largest length of an account.
        max: usize,
    },
    /// A role whose path leads to no field.
    #[error("{0}")]
    Path(#[source] PathError),
    /// A role whose field cannot play it.
    #[error("the field of this role must be {holds}")]
    Role {
        /// What it must be.
        holds: &'static str,
    },
    /// A rejected oracle source that the program's enum does not have.
    #[error("there is no oracle source {text:?} in the enum of the role oracle_source")]
    UnknownSource {
        /// What was given, cut after 64 characters.
        text: String,
    },
    /// Something between braces that is no placeholder, a literal of no or over 32 bytes, or no
    /// or over 15 parts.
    #[error(
        "{text:?} is no address seed: use up to 15 of {{name}} for a key, {{name:u8}} to \
         {{name:u64}} for a number, or a literal of up to 32 bytes"
    )]
    Seed {
        /// What was given, cut after 64 characters.
        text: String,
    },
}
