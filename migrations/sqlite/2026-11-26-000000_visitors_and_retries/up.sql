-- Whence a session was begun: a hash of the account's address and the network, so that a network that somebody signs in
-- from is throttled apart from strangers'.
ALTER TABLE session ADD COLUMN visitor BLOB;
CREATE INDEX session_by_visitor ON session (visitor, started_at);

-- Which token this one was given for, and when that one was forgiven a second use.
ALTER TABLE refresh_token ADD COLUMN parent BLOB;
ALTER TABLE refresh_token ADD COLUMN retried_at TIMESTAMP;
CREATE INDEX refresh_token_by_parent ON refresh_token (parent);
