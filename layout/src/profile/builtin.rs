//! The profiles that come with driftshm.

use super::Profile;

const BUILTIN: [(&str, &str); 2] = [
    ("drift-v2", include_str!("../../profiles/drift-v2.json")),
    ("velocity", include_str!("../../profiles/velocity.json")),
];

impl Profile {
    /// A profile that comes with driftshm; `None` for any other name.
    pub fn builtin(name: &str) -> Option<Self> {
        let (_, json) = BUILTIN.into_iter().find(|(known, _)| *known == name)?;
        // A test loads each, so this only fails for a name that is none.
        Self::from_json(json.as_bytes()).ok()
    }

    /// The names that [`Profile::builtin`] knows.
    pub fn builtin_names() -> impl Iterator<Item = &'static str> {
        BUILTIN.into_iter().map(|(name, _)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_builtin_profile_loads_under_its_own_name() {
        for (name, json) in BUILTIN {
            assert_eq!(Profile::from_json(json.as_bytes()).unwrap().name, name);
        }
        assert_eq!(Profile::builtin_names().count(), BUILTIN.len());
        assert!(Profile::builtin("drift-v1").is_none());
    }
}
