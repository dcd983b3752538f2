//! The two classes of ST/SGB/2007/6 that are sealed, as types and as a code.

/// A class of sensitivity in the type of a value. Implemented by [`Confidential`] and [`StrictlyConfidential`] only.
pub trait Class: private::Closed + 'static {
    /// The class as a value.
    const CODE: ClassCode;
}

/// Disclosure could damage the work of the United Nations (ST/SGB/2007/6).
#[derive(Debug)]
pub enum Confidential {}

/// Disclosure could cause exceptionally grave damage, or put a life in danger (ST/SGB/2007/6).
#[derive(Debug)]
pub enum StrictlyConfidential {}

mod private {
    pub trait Closed {}
    impl Closed for super::Confidential {}
    impl Closed for super::StrictlyConfidential {}
}

impl Class for Confidential {
    const CODE: ClassCode = ClassCode::Confidential;
}

impl Class for StrictlyConfidential {
    const CODE: ClassCode = ClassCode::StrictlyConfidential;
}

/// A class as a value: what the database and the associated data of a ciphertext hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ClassCode {
    /// See [`Confidential`].
    Confidential,
    /// See [`StrictlyConfidential`].
    StrictlyConfidential,
}

impl ClassCode {
    /// Every class, the lower first.
    pub const ALL: [ClassCode; 2] = [ClassCode::Confidential, ClassCode::StrictlyConfidential];

    /// The name used in answers and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            ClassCode::Confidential => "confidential",
            ClassCode::StrictlyConfidential => "strictly_confidential",
        }
    }

    /// The class of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }

    pub(crate) const fn byte(self) -> u8 {
        match self {
            ClassCode::Confidential => 1,
            ClassCode::StrictlyConfidential => 2,
        }
    }
}
