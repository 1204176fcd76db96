"""Every variable of the environment that settings read: name, default and meaning. The table of
docs/operations.md is compared with this list."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Variable:
    name: str
    default: str  # as docs/operations.md shows it
    meaning: str


VARIABLES: tuple[Variable, ...] = (
    Variable(
        "ALLOWED_HOSTS",
        "loopback only",
        "Host names the site answers to, with commas. Setting it makes the site strict: the two "
        "keys below and `PUBLIC_URL` must be set.",
    ),
    Variable("SECRET_KEY", "made once, kept in `DATA_DIR`", "Signs sessions and file addresses."),
    Variable(
        "FIELD_KEYS",
        "made once, kept in `DATA_DIR`",
        "Fernet keys that encrypt API keys, with commas; the first encrypts, all decrypt "
        "(rotation).",
    ),
    Variable("DEBUG", "off", "Django’s debug pages. Never on a site that others can reach."),
    Variable(
        "DATA_DIR",
        "`var/`",
        "Where the database, the files, the embedded Redis and the made keys live.",
    ),
    Variable(
        "DATABASE_URL",
        "SQLite in `DATA_DIR`",
        "Another database, such as `postgres://user:password@host/name`.",
    ),
    Variable(
        "REDIS_URL",
        "an embedded one",
        "One Redis or Valkey server for the queue and live updates: `redis://`, `rediss://` or "
        "`unix://`; neither Sentinel nor Cluster.",
    ),
    Variable(
        "REDIS_PREFIX",
        "made of `SECRET_KEY`",
        "What all names of this site in Redis begin with, so that sites share a server and never "
        "meet. A copy of a site with its `SECRET_KEY` needs another one.",
    ),
    Variable(
        "PUBLIC_URL",
        "the address `dev` serves",
        "Address of this site as others reach it; Model Studio fetches pictures and sound there.",
    ),
    Variable(
        "TRUSTED_PROXIES",
        "none",
        "Networks of your own proxies, with commas, such as `127.0.0.1,10.0.0.0/8`. Only what "
        "comes from them is believed about the address of a visitor (`X-Forwarded-For`).",
    ),
    Variable(
        "CONNECTIONS",
        "4000",
        "Connections that the web process holds at once. When all are taken, those that wait for a "
        "request make room for new ones, the longest waiting first.",
    ),
    Variable(
        "CONNECTIONS_PER_ADDRESS",
        "256",
        "Connections, and requests being answered, of one visitor’s address (of IPv6 a /64 "
        "network) at once. Raise it when many people share an address.",
    ),
    Variable(
        "STREAMS_PER_PERSON", "50", "Pages with live updates that one person has open at once."
    ),
    Variable(
        "UPLOADS_PER_PERSON",
        "8",
        "Uploads of one person that are on their way, or wait to be read, at once.",
    ),
    Variable(
        "INSECURE_HTTP",
        "off",
        "Lets a strict site start with a `PUBLIC_URL` of `http://`, in a closed network: passwords "
        "and sessions can be read on the way.",
    ),
    Variable(
        "STORAGE_URL",
        "local files in `DATA_DIR`",
        "Where files live: `s3://bucket?endpoint=…&region=…`, keys from the usual AWS variables or "
        "the address.",
    ),
    Variable("DECODERS", "2", "Files that one process (the web, a worker) decodes at once."),
    Variable("DECODER_MEMORY_MB", "1000", "Memory (address space) that one file may take there."),
    Variable(
        "EMAIL_URL",
        "printed on the console",
        "Mail server, such as `smtp+tls://user:password@host:587`; `smtp+ssl://` is TLS from the "
        "first byte.",
    ),
    Variable(
        "SIGNUP",
        "`invited` on a strict site, else `open`",
        "Who may make an account: everybody (`open`, on a strict site only with a mail server), "
        "who has a link of `manage.py invite` or an invitation to a team (`invited`), or nobody "
        "(`closed`; then invitations are for people who have an account).",
    ),
    Variable(
        "SECOND_FACTOR_STAFF",
        "off",
        "Staff see the admin and teams only with a second factor: codes of an app, or a passkey.",
    ),
    Variable(
        "OIDC_ISSUER",
        "none",
        "Address of your OpenID Connect service, such as `https://login.example.com/realms/main`: "
        "people may sign in with it. It needs the next two.",
    ),
    Variable("OIDC_CLIENT_ID", "none", "This site’s name at that service."),
    Variable("OIDC_CLIENT_SECRET", "none", "Its secret there."),
    Variable("OIDC_NAME", "host of the issuer", "What people call that service: “Sign in with …”."),
    Variable(
        "OIDC_TRUST_EMAIL",
        "off",
        "An address that the service calls verified counts as confirmed here: it makes an account, "
        "and signs in to the one that has it.",
    ),
    Variable(
        "OIDC_GROUPS",
        "none",
        "Groups of the service and what they give, with semicolons: "
        "`editors=studio-north:creator; leads=studio-north:admin`.",
    ),
    Variable("OIDC_GROUPS_CLAIM", "`groups`", "The claim in which the service names the groups."),
    Variable(
        "STORAGE_PER_TEAM",
        "`100 GB`",
        "How much a team may store, such as `500 MB`; `none` is no limit. The operator may set "
        "another one for a team or person in the admin; videos that jobs make are always kept.",
    ),
    Variable(
        "STORAGE_PER_PERSON",
        "`50 GB`",
        "How much of it may be one person’s files, in all teams together.",
    ),
    Variable("UPLOADS_PER_HOUR", "`300`", "Files that one person may upload in an hour."),
    Variable("EDITS_PER_PERSON", "`10`", "Videos of one person that are made over or wait for it."),
    Variable("TEAMS_PER_PERSON", "`20`", "Teams that one person may own by making them."),
    Variable(
        "MODELSTUDIO_URL",
        "the Beijing address",
        "Base address of connections that name none of their own. The simulator sets it.",
    ),
    Variable(
        "MEDIA_DELIVERY",
        "`auto`",
        "How Model Studio gets files: `public` (addresses of the bucket or this site), `temporary` "
        "(its own storage), or `auto`.",
    ),
    Variable(
        "DASHSCOPE_API_KEY",
        "none",
        "A key that `createteam` and `dev` put into the team’s first connection.",
    ),
    Variable(
        "METRICS_TOKEN",
        "none",
        "Opens `/metrics` (Prometheus) to who sends `Authorization: Bearer …`; 16 characters or "
        "more. Without it there is no such page.",
    ),
    Variable(
        "LOG_FORMAT",
        "`json` on a strict site, else `console`",
        "How log lines are written: `json` (one object a line) or `console` (for eyes).",
    ),
)
