//! How a code list is written: an enum whose snake_case names are what the API, the files and the database hold.

use std::str::FromStr;

/// A code list: closed, with stable codes and English labels. Labels may change; codes do not.
pub trait Code:
    Copy + Eq + Sized + Into<&'static str> + FromStr + strum::VariantArray + utoipa::ToSchema + 'static
{
    /// The list's name in `GET /v1/vocabulary`.
    const LIST: &'static str;

    /// The English label.
    fn label(self) -> &'static str;

    /// The code.
    fn code(self) -> &'static str {
        self.into()
    }

    /// The code of that name, if the list has it.
    fn parse(code: &str) -> Option<Self> {
        Self::from_str(code).ok()
    }
}

/// Declares code lists. One macro because every list needs the same nine derives and a label beside each code; the
/// enum and its variants stand in the text as they are used, so that a search finds them.
macro_rules! code_list {
    ($( $(#[$doc:meta])* $name:ident in $list:literal { $($variant:ident = $label:literal),+ $(,)? } )+) => { $(
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
            strum::IntoStaticStr, strum::EnumString, strum::VariantArray, utoipa::ToSchema,
        )]
        #[serde(rename_all = "snake_case")]
        #[strum(serialize_all = "snake_case")]
        #[expect(missing_docs, reason = "a code's label is its documentation")]
        pub enum $name { $($variant),+ }

        impl $crate::domain::Code for $name {
            const LIST: &'static str = $list;
            fn label(self) -> &'static str {
                match self { $($name::$variant => $label),+ }
            }
        }
    )+ };
}
pub(crate) use code_list;
