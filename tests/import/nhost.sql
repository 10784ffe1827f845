-- The columns of `auth.users` of nhost/hasura-auth. Its types are those of the published table; `auth.email` is a text here.
CREATE SCHEMA nhost;
CREATE TABLE nhost.users (
    id uuid PRIMARY KEY,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    last_seen timestamptz,
    disabled boolean DEFAULT false NOT NULL,
    display_name text DEFAULT '' NOT NULL,
    avatar_url text DEFAULT '' NOT NULL,
    locale varchar(2) NOT NULL,
    email text,
    phone_number text,
    password_hash text,
    email_verified boolean DEFAULT false NOT NULL,
    phone_number_verified boolean DEFAULT false NOT NULL,
    new_email text,
    otp_method_last_used text,
    otp_hash text,
    otp_hash_expires_at timestamptz DEFAULT now() NOT NULL,
    default_role text DEFAULT 'user' NOT NULL,
    is_anonymous boolean DEFAULT false NOT NULL,
    totp_secret text,
    active_mfa_type text,
    ticket text,
    ticket_expires_at timestamptz DEFAULT now() NOT NULL,
    metadata jsonb,
    webauthn_current_challenge text
);
