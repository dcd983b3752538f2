//! What is said of a noun, once: every list of nouns, tables, columns, code lists, sealed fields and rights of the database's roles is read from it.

use super::{Code, Noun, SealedField};

/// Who may see a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Everybody who has the record in scope.
    Open,
    /// Some of those: mission and Secretariat, or those whom the row concerns.
    Scoped,
    /// Nobody, without a disclosure.
    Sealed,
    /// No one outside the service: keys, hashes, internal ids.
    Internal,
}

/// What a node without private keys does with a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Custody {
    /// It writes what missions, officers and States report and propose.
    Reported,
    /// It reads what is decided where the keys are.
    Decided,
    /// It has nothing of what unwraps keys, or signs people in.
    Secret,
}

/// A table with its columns. A table that is not listed is nobody's: no role of the database may read it.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// What nodes without private keys do with it.
    pub custody: Custody,
    /// Whether rows are added, and never changed or taken away: history.
    pub append_only: bool,
    /// Its columns, each with who may see it.
    pub columns: &'static [(&'static str, Visibility)],
}

impl Table {
    /// A table that every node writes.
    pub const fn reported(name: &'static str, columns: &'static [(&'static str, Visibility)]) -> Self {
        Self { name, custody: Custody::Reported, append_only: false, columns }
    }

    /// A table that nodes with private keys write, and all read.
    pub const fn decided(name: &'static str, columns: &'static [(&'static str, Visibility)]) -> Self {
        Self { custody: Custody::Decided, ..Self::reported(name, columns) }
    }

    /// A table that nodes with private keys alone have.
    pub const fn secret(name: &'static str, columns: &'static [(&'static str, Visibility)]) -> Self {
        Self { custody: Custody::Secret, ..Self::reported(name, columns) }
    }

    /// The same table, whose rows stand for ever.
    pub const fn append_only(self) -> Self {
        Self { append_only: true, ..self }
    }
}

/// A code list, as data.
#[derive(Debug, Clone, Copy)]
pub struct CodeList {
    /// Its name at `GET /v1/vocabulary`.
    pub name: &'static str,
    /// Its codes with their labels, in order.
    pub codes: fn() -> Vec<(&'static str, &'static str)>,
}

/// A code list, as data.
pub const fn list<C: Code>() -> CodeList {
    CodeList { name: C::LIST, codes: || C::VARIANTS.iter().map(|code| (code.code(), code.label())).collect() }
}

/// What a State proposes, or everybody does, and another officer accepts or returns at `…/{reference}/decision`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proposal {
    /// The act's name at `GET /v1/policy`.
    pub act: &'static str,
    /// The end of the route below the record where it is proposed; empty where the record itself is.
    pub at: &'static str,
    /// Whether missions and officers propose it too: nobody records it alone.
    pub by_all: bool,
}

/// Everything that the rooms of the house must know of a noun.
#[derive(Debug, Clone, Copy)]
pub struct NounSpec {
    /// The noun.
    pub noun: Noun,
    /// Its name in the singular, as the database and the audit log have it.
    pub name: &'static str,
    /// Its name in the plural, as paths have it.
    pub path: &'static str,
    /// What its references begin with, so that a reference tells its noun.
    pub prefix: &'static str,
    /// Whether it is a record with a reference of its own, that a disclosure can name. Its children are opened with it.
    pub openable: bool,
    /// Whether it is one person, whose values can be erased and whose name can be looked for.
    pub person: bool,
    /// What a State proposes of it; none where it proposes nothing, or where more is to be said of who agrees.
    pub proposed: Option<Proposal>,
    /// Its sealed fields, in the order that answers show them.
    pub sealed: &'static [SealedField],
    /// Its code lists.
    pub lists: &'static [CodeList],
    /// Its tables.
    pub tables: &'static [Table],
}

impl NounSpec {
    /// Who may see a column of the noun's tables; nobody, of one that is not listed.
    pub fn visibility(&self, column: &str) -> Visibility {
        let columns = self.tables.iter().flat_map(|table| table.columns);
        columns.into_iter().find(|(name, _)| *name == column).map_or(Visibility::Internal, |(_, who)| *who)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use strum::VariantArray;

    use super::*;
    use crate::domain::tables;

    #[test]
    fn each_noun_is_specified_under_its_own_name() {
        for noun in Noun::VARIANTS {
            let spec = noun.spec();
            assert_eq!(spec.noun, *noun);
            assert!(spec.sealed.iter().all(|field| field.noun == *noun), "{noun:?}");
            assert!(
                spec.person <= !spec.openable,
                "{noun:?}: a person is opened with the record that they are part of"
            );
        }
    }

    #[test]
    fn names_paths_prefixes_codes_and_tables_are_given_once() {
        fn once<T: Ord + std::fmt::Debug>(what: impl Iterator<Item = T>) {
            let all: Vec<T> = what.collect();
            assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "{all:?}");
        }
        let specs = || Noun::VARIANTS.iter().map(|noun| noun.spec());
        once(specs().map(|spec| spec.name));
        once(specs().map(|spec| spec.path));
        once(specs().filter(|spec| spec.openable).map(|spec| spec.prefix));
        once(SealedField::all().map(|field| field.code));
        once(SealedField::all().map(|field| (field.noun, field.name)));
        once(tables().map(|table| table.name));
        once(specs().flat_map(|spec| spec.lists).map(|list| list.name));
    }
}
