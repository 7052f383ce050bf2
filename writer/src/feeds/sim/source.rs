//! Which oracle source a market gets under a profile.

use driftshm_layout::profile::{AccountDef, Profile, role};

use crate::oracle::{Family, Source};

/// An oracle source that the profile has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Choice {
    /// Its place in the profile's enum.
    pub number: u8,
    pub source: Source,
}

/// The profile's description of the accounts that the program itself keeps for such oracles.
pub(super) fn own_account(profile: &Profile, family: Family) -> Option<&AccountDef> {
    let name = match family {
        Family::PythLazer => "PythLazerOracle",
        Family::Prelaunch => "PrelaunchOracle",
        _ => return None,
    };
    profile.account_by_name(name).filter(|account| account.role(role::PRICE).is_some())
}

/// The wanted source if the profile has it, else the first that gives the same price.
pub(super) fn choose(profile: &Profile, wanted: &str) -> Option<Choice> {
    let variants = &profile.enum_def(profile.oracle_sources()?)?.variants;
    let sources = Source::of_profile(profile);
    let find = |fits: &dyn Fn(&str, Source) -> bool| {
        variants.iter().zip(&sources).enumerate().find_map(|(number, (name, source))| {
            let source = (*source)?;
            let fits = can_be_made(profile, source) && fits(name, source);
            fits.then_some(Choice { number: u8::try_from(number).ok()?, source })
        })
    };
    let same_price = |source: Source| {
        Source::parse(wanted).is_some_and(|wanted| {
            source.needs_account()
                && source.multiplier() == wanted.multiplier()
                && source.is_stable_coin() == wanted.is_stable_coin()
        })
    };
    find(&|name, _| name == wanted).or_else(|| find(&|_, source| same_price(source)))
}

fn can_be_made(profile: &Profile, source: Source) -> bool {
    match source.family() {
        family @ (Family::PythLazer | Family::Prelaunch) => own_account(profile, family).is_some(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drift_without(account: &str) -> Profile {
        let bytes = Profile::builtin("drift-v2").unwrap().to_json();
        let mut json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        json["accounts"].as_object_mut().unwrap().remove(account);
        Profile::from_json(&serde_json::to_vec(&json).unwrap()).unwrap()
    }

    #[test]
    fn a_source_that_cannot_be_made_is_replaced_by_one_of_the_same_price() {
        let drift = Profile::builtin("drift-v2").unwrap();
        let name = |choice: Choice| {
            let sources = drift.enum_def(drift.oracle_sources().unwrap()).unwrap();
            sources.variants[usize::from(choice.number)].clone()
        };
        assert_eq!(choose(&drift, "PythLazer1M").map(name).unwrap(), "PythLazer1M");
        let poorer = drift_without("PythLazerOracle");
        assert_eq!(choose(&poorer, "PythLazer1M").map(name).unwrap(), "Pyth1M");
        assert_eq!(choose(&poorer, "PythLazerStableCoin").map(name).unwrap(), "PythStableCoin");
        assert_eq!(choose(&poorer, "PythPull").map(name).unwrap(), "PythPull");
        assert_eq!(choose(&drift, "NoSuchSource"), None);
    }
}
