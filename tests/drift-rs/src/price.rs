//! The function that drift-rs asks for prices, as its `ffi` module declares it.
// Types of Rust in a function of C: as in drift-rs, and one compiler builds both sides.
#![allow(improper_ctypes_definitions)]

use std::sync::LazyLock;

use drift_rs::ffi::{FfiResult, OraclePriceData};
use drift_rs::types::OracleSource;
use drift_rs::types::errors::ErrorCode;
use driftshm_layout::profile::Profile;
use driftshm_writer::oracle::{Decoder, Family, OraclePrice, Problem, Source};
use solana_sdk::account::Account;
use solana_sdk::clock::Slot;
use solana_sdk::pubkey::Pubkey;

type GetOraclePrice =
    unsafe extern "C" fn(OracleSource, &mut (Pubkey, Account), Slot) -> FfiResult<OraclePriceData>;

// What drift-rs declares and what is defined here are one type, or this does not compile.
const _: [GetOraclePrice; 2] = [drift_rs::ffi::oracle_get_oracle_price, oracle_get_oracle_price];

static DECODER: LazyLock<Option<Decoder>> =
    LazyLock::new(|| Profile::builtin("drift-v2").as_ref().map(Decoder::new));

/// The price that the program would take from `account` in `slot`, or the code of its error.
// SAFETY: no other symbol has this name, since the library that had it is not linked, and the type
// is the one that drift-rs declares (see above).
#[unsafe(no_mangle)]
pub extern "C" fn oracle_get_oracle_price(
    source: OracleSource,
    account: &mut (Pubkey, Account),
    slot: Slot,
) -> FfiResult<OraclePriceData> {
    match price(source, &account.1.data, slot) {
        Ok(price) => FfiResult::ROk(price),
        Err(code) => FfiResult::RErr(code.into()),
    }
}

fn price(source: OracleSource, data: &[u8], slot: Slot) -> Result<OraclePriceData, ErrorCode> {
    // drift-rs names sources as the program does, and so does the profile.
    let source = Source::parse(&format!("{source:?}")).ok_or(ErrorCode::InvalidOracle)?;
    let decoder = DECODER.as_ref().ok_or(ErrorCode::UnableToLoadOracle)?;
    let decoded = decoder.decode(source, data).map_err(|error| code(error.problem))?;
    Ok(OraclePriceData {
        price: decoded.price,
        confidence: decoded.confidence,
        delay: delay(source.family(), &decoded, slot)?,
        has_sufficient_number_of_data_points: decoded.has_sufficient_number_of_data_points,
    })
}

/// How many slots ago the price was published, by the rules of the program.
fn delay(family: Family, price: &OraclePrice, slot: Slot) -> Result<i64, ErrorCode> {
    let signed = |slot: Slot| i64::try_from(slot).map_err(|_| ErrorCode::CastingFailure);
    match family {
        Family::QuoteAsset => Ok(0),
        // The program subtracts the wrong way round, so that these prices are never late.
        Family::Prelaunch => signed(price.published_slot.saturating_sub(slot)),
        _ => Ok(signed(slot)? - signed(price.published_slot)?),
    }
}

fn code(problem: Problem) -> ErrorCode {
    match problem {
        Problem::ExponentDoesNotFit { .. } => ErrorCode::InvalidOracle,
        Problem::ScaleOutOfRange { .. } => ErrorCode::MathError,
        Problem::Overflow { .. } => ErrorCode::CastingFailure,
        _ => ErrorCode::UnableToLoadOracle,
    }
}
