-- The roles of Casque in PostgreSQL: `casque` owns the schema; the others own nothing, and have what `casque migrate` gives them. Run it once, as
-- the superuser: runuser -u postgres -- psql -v ON_ERROR_STOP=1 -f roles.sql. Then give each a password with \password, or let pg_hba.conf ask for certificates.
CREATE ROLE casque LOGIN;
CREATE ROLE casque_service LOGIN;
CREATE ROLE casque_sealed LOGIN;
CREATE ROLE casque_reader LOGIN;
CREATE ROLE casque_replication LOGIN REPLICATION;
CREATE DATABASE casque OWNER casque ENCODING 'UTF8' LOCALE 'C.UTF-8' TEMPLATE template0;
REVOKE ALL ON DATABASE casque FROM PUBLIC;
GRANT CONNECT ON DATABASE casque TO casque_service, casque_sealed, casque_reader;
\connect casque
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT ALL ON SCHEMA public TO casque;
-- What the standby lacks is kept for it, however long it is away, up to a bound: beyond it, the standby is made again.
SELECT pg_create_physical_replication_slot('standby');
ALTER SYSTEM SET max_slot_wal_keep_size = '20GB';
SELECT pg_reload_conf();
