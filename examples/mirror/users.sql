-- For PostgreSQL and for SQLite. Track it in Hasura, and let other tables refer to users.id.
CREATE TABLE IF NOT EXISTS users (
  id text PRIMARY KEY,              -- X-Hasura-User-Id
  username text,
  email text,
  is_verified boolean NOT NULL,
  role text NOT NULL,
  is_deleted boolean NOT NULL,      -- the row stays, without personal data, for the rows that refer to it
  last_event text NOT NULL          -- the id of the newest event in this row
);
