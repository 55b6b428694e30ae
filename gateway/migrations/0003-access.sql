-- Users, API tokens, sessions, tokens that enrol devices, devices that ask to be let in, what was
-- tried in vain, and the audit log, of all gateways on this database. A key begins with the letter of
-- its kind; values are positional CBOR. Passwords and secrets are there as hashes only.
create table holdfast.access (key bytea primary key, value bytea not null);
