//! Whether a copy of a database opens with these keys.

use diesel::prelude::*;
use seal::{ClassCode, Permit, PermittedRecord};
use serde_json::json;

use super::super::db::Id;
use super::super::db::schema::{data_key, sealed_value};
use super::super::keys::Ciphertexts;
use super::super::{Result, Store};
use crate::policy::Viewer;

impl Store {
    /// One value of each class that holds any, under permits of its own: to prove that a copy of the database opens. It is on
    /// the record of that copy.
    ///
    /// # Errors
    /// [`Error::WrongNode`] on a node without keys; the database's.
    pub fn prove(&self, viewer: &Viewer) -> Result<Vec<(ClassCode, Permit)>> {
        let granter = self.granter()?;
        let found = self.append(viewer, |w| {
            let mut found = Vec::new();
            for class in ClassCode::ALL {
                let codes: Vec<i32> =
                    crate::domain::SealedField::all().filter(|f| f.class == class).map(|f| i32::from(f.code)).collect();
                let one: Option<(Id, Id)> = sealed_value::table
                    .inner_join(data_key::table.on(data_key::record_id.eq(sealed_value::record_id)))
                    .filter(data_key::class.eq(class.name()))
                    .filter(data_key::wrapped.ne(Vec::new()))
                    .filter(sealed_value::field.eq_any(codes))
                    .select((sealed_value::holder_id, sealed_value::record_id))
                    .first(w.db)
                    .optional()?;
                let Some((holder, record)) = one else { continue };
                let Ciphertexts { values, data_keys, epochs } = w.ciphertexts(holder, record, class)?;
                let values = values.into_iter().take(1).map(|(field, bytes)| (field.field(), bytes)).collect();
                found.push((class, PermittedRecord { record: record.record(), class, values, data_keys }, epochs));
            }
            w.note_act("seal.prove", "backup".into(), json!({ "classes": found.len() }));
            Ok(found)
        })?;
        Ok(found.into_iter().map(|(class, record, epochs)| (class, granter.grant(vec![record], epochs))).collect())
    }
}
