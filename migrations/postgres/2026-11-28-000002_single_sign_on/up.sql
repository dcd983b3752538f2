-- Who an account is to a provider of single sign-on: issuer and subject (OpenID Connect), parted by a space.
ALTER TABLE account ADD COLUMN single_sign_on TEXT COLLATE "C";
CREATE UNIQUE INDEX account_by_single_sign_on ON account (single_sign_on);
