//! The offline recovery key: class keys are also wrapped to an `age` recipient.

use std::str::FromStr;

use age::x25519;
use zeroize::Zeroizing;

use crate::{Error, MasterKey, StoredClassKey};

/// Whether a text is a recovery recipient: to be asked before anything is made.
///
/// # Errors
/// [`Error::Recovery`] when it is none.
pub fn check_recovery(recipient: &str) -> Result<(), Error> {
    x25519::Recipient::from_str(recipient.trim()).map(|_| ()).map_err(|e| Error::Recovery(e.to_owned()))
}

pub(crate) fn wrap(private: &[u8], recipient: &str) -> Result<Vec<u8>, Error> {
    let recipient = x25519::Recipient::from_str(recipient.trim()).map_err(|e| Error::Recovery(e.to_owned()))?;
    age::encrypt(&recipient, private).map_err(|e| Error::Recovery(e.to_string()))
}

/// Wraps a class key anew under another master key, with the offline identity (`AGE-SECRET-KEY-1…`) in place of the
/// lost one.
///
/// # Errors
/// [`Error::Recovery`] when the key was never wrapped to a recovery recipient, or the identity is another one.
pub fn rewrap_with_recovery(key: &mut StoredClassKey, identity: &str, master: &MasterKey) -> Result<(), Error> {
    if key.wrapped.is_empty() {
        return Ok(());
    }
    let identity = x25519::Identity::from_str(identity.trim()).map_err(|e| Error::Recovery(e.to_owned()))?;
    let sealed = key.recovery.as_ref().ok_or_else(|| Error::Recovery("this class key has no recovery copy".into()))?;
    let private = age::decrypt(&identity, sealed).map(Zeroizing::new).map_err(|e| Error::Recovery(e.to_string()))?;
    key.wrap(&private, master)
}
