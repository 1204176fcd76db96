"""The one settings file: comfortable on loopback, strict as soon as ALLOWED_HOSTS opens the site to
others."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from studio.config import databases, env, logs, oidc, redis_address
from studio.config.storage import storages

# Whatever this process and those that it starts write is its user's alone; see
# studio/config/private_files.py, which cannot be imported before the settings are read.
os.umask(0o077)
BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.text("DATA_DIR") or BASE_DIR / "var").resolve()
DATA_DIR.mkdir(parents=True, exist_ok=True)
STACK = env.running_stack(DATA_DIR)

# ── strictness ────────────────────────────────────────────────────────────────────────────────────
DEBUG = env.flag("DEBUG")
LOOPBACK = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS") or LOOPBACK
OPEN = not set(ALLOWED_HOSTS) <= {*LOOPBACK, "::1"}
if OPEN and DEBUG:
    raise ImproperlyConfigured(
        "DEBUG is on and ALLOWED_HOSTS opens the site to others, who would see settings and source "
        "on its error pages. Take DEBUG out, or leave ALLOWED_HOSTS to loopback."
    )
STRICT = OPEN
SECRET_KEY, FIELD_KEYS = env.site_keys(DATA_DIR, STRICT)
PUBLIC_URL = env.address("PUBLIC_URL", STACK.get("web", "http://127.0.0.1:8000"))
if STRICT and not PUBLIC_URL.startswith("https://") and not env.address("PUBLIC_URL"):
    raise ImproperlyConfigured(
        "PUBLIC_URL must be set because ALLOWED_HOSTS is: the address of this site as others reach "
        "it."
    )
HTTPS = PUBLIC_URL.startswith("https://")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
if STRICT and not HTTPS and not env.flag("INSECURE_HTTP"):
    raise ImproperlyConfigured(
        "PUBLIC_URL begins with http://, so passwords and sessions would be read on the way. Put a "
        "proxy that speaks TLS in front and set PUBLIC_URL to https://…; in a closed network, "
        "INSECURE_HTTP=1 lets the site start without."
    )
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
TRUSTED_PROXIES = env.trusted_proxies()
# Browsers keep to TLS for 30 days, on this name alone: the rest of its domain is not ours.
SECURE_SSL_REDIRECT = STRICT and HTTPS
SECURE_HSTS_SECONDS = 30 * 24 * 3600 if SECURE_SSL_REDIRECT else 0
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]  # asked from inside, without TLS
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# HSTS for subdomains, and the list that browsers ship.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

# ── apps ──────────────────────────────────────────────────────────────────────────────────────────
INSTALLED_APPS = [
    "studio",
    "jobs",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.usersessions",
    "django_htmx",
    "django_rq",
    "csp",
]
MIDDLEWARE = [
    "studio.config.logs.RequestId",
    "studio.config.security_headers.SecurityHeaders",
    "studio.config.compression.Compression",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "studio.teams.reader_of_request.ReaderOfRequest",
    "studio.audit.origin.RequestOrigin",
    "studio.teams.sign_in_first.SignInFirst",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "studio.teams.sign_ins.KnownSignIns",
    "studio.teams.required_factor.RequiredSecondFactor",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "studio.urls"
WSGI_APPLICATION = "studio.wsgi.application"
ASGI_APPLICATION = "studio.asgi.application"
# What asgi.py serves beside Django's pages, by the first part of the path (studio reaches jobs by
# name only).
ASGI_ROUTES = {"/live/": "jobs.pages.live.stream", "/upload/": "studio.files.uploads.application"}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "studio.teams.context.page",
            ],
        },
    }
]

EMAIL = env.email()
MAIL_SERVER = EMAIL["EMAIL_BACKEND"].endswith(".smtp.EmailBackend")
SIGNUP = env.sign_up(STRICT, MAIL_SERVER)

# ── people ────────────────────────────────────────────────────────────────────────────────────────
AUTH_USER_MODEL = "studio.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "studio.teams.signup.Adapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_UNIQUE_EMAIL = True
# Password, address and second factors: whoever's they are hears of a change that was not theirs.
ACCOUNT_EMAIL_NOTIFICATIONS = True
# Without a mail server nobody could confirm an address, so nobody is asked to; what is given to a
# person still counts on it (docs/decisions/0026-confirmed-addresses.md).
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if MAIL_SERVER else "none"
# Nobody is written to because somebody else typed their address.
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False

ACCOUNT_FORMS = {
    "signup": "studio.teams.sign_up_forms.SignUpForm",
    "reset_password": "studio.teams.sign_up_forms.ResetForm",
    "reset_password_from_key": "studio.teams.password_forms.ResetPasswordForm",
    "change_password": "studio.teams.password_forms.ChangePasswordForm",
    "set_password": "studio.teams.password_forms.SetPasswordForm",
}
# Second factors: a code of an app, a passkey, recovery codes (studio/teams/factors.py).
MFA_ADAPTER = "studio.teams.factors.Adapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_TOLERANCE = 1  # clocks of phones may be half a minute off
# An account whose address nobody confirmed loses its factors to the owner of the address
# (studio/teams/confirmed.py), so they need not wait for that.
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_FORMS = {
    "activate_totp": "studio.teams.factor_forms.ActivateForm",
    "authenticate": "studio.teams.factor_forms.CodeForm",
    "reauthenticate": "studio.teams.factor_forms.ConfirmCodeForm",
    "add_webauthn": "studio.teams.factor_forms.AddPasskeyForm",
    "authenticate_webauthn": "studio.teams.factor_forms.PasskeyForm",
    "reauthenticate_webauthn": "studio.teams.factor_forms.ConfirmPasskeyForm",
    "login_webauthn": "studio.teams.factor_forms.PasskeySignInForm",
}
SECOND_FACTOR_STAFF = env.flag("SECOND_FACTOR_STAFF")
# The sensitive steps that ask “Is it you?” (studio/teams/step_up.py), in seconds.
ACCOUNT_REAUTHENTICATION_TIMEOUT = CONFIRMED_FOR = 600
# Signing in through the operator's own service (studio/teams/oidc.py).
OIDC = oidc.configuration(STRICT)
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
ACCOUNT_RATE_LIMITS = {
    # "key" is an account tried from one address (studio/teams/sign_in_limits.py).
    "login_failed": "10/m/ip,5/300s/key",
    "login_failed_anywhere": "60/h/key",
    # No limit of a key: who asks for somebody else's address must not keep them from asking.
    "reset_password": "20/m/ip",
    "reset_mail": "5/h/key",
    # Invitations of teams: to one address, and from one team.
    "invitation_mail": "5/h/key",
    "team_mail": "100/h/key",
    # "key" is a share link tried from one network (jobs/pages/shares/visitor.py).
    "share_password": "10/10m/key",
}
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = "Footlight: "

# ── data ──────────────────────────────────────────────────────────────────────────────────────────
DATABASES = {
    "default": databases.connections(
        env.database(f"sqlite:///{DATA_DIR / 'footlight.sqlite3'}"), sys.argv
    )
}
STORAGES = storages(env.text("STORAGE_URL"), DATA_DIR)
FILE_UPLOAD_TEMP_DIR = DATA_DIR / "tmp"
FILE_UPLOAD_TEMP_DIR.mkdir(exist_ok=True)
FILE_UPLOAD_PERMISSIONS, FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o600, 0o700
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
# What one team or person may use; None is no limit (studio/teams/quotas.py).
QUOTAS = {
    "STORAGE_PER_TEAM": env.size("STORAGE_PER_TEAM", "100 GB"),
    "STORAGE_PER_PERSON": env.size("STORAGE_PER_PERSON", "50 GB"),
    "UPLOADS_PER_HOUR": env.number_or_none("UPLOADS_PER_HOUR", "300"),
    "EDITS_PER_PERSON": env.number_or_none("EDITS_PER_PERSON", "10"),
    "TEAMS_PER_PERSON": env.number_or_none("TEAMS_PER_PERSON", "20"),
}
UPLOAD_MAX_BYTES = 210 * 1024 * 1024  # the largest file any model takes is 200 MB
CONNECTIONS = env.number("CONNECTIONS", 4000)
CONNECTIONS_PER_ADDRESS = env.number("CONNECTIONS_PER_ADDRESS", 256)
STREAMS_PER_PERSON = env.number("STREAMS_PER_PERSON", 50)
UPLOADS_PER_PERSON = env.number("UPLOADS_PER_PERSON", 8)
DECODERS = env.number("DECODERS", 2)
DECODER_MEMORY_MB = env.number("DECODER_MEMORY_MB", 1000, least=300)
STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
# Pages only put mail into a queue; a worker hands it to the server.
EMAIL_BACKEND = "studio.mail.backend.Backend"
EMAIL_SERVER_BACKEND = EMAIL["EMAIL_BACKEND"]
MAIL_WAKEUP = "jobs.common.wakeup.enqueue_mail"
EMAIL_HOST, EMAIL_PORT = EMAIL.get("EMAIL_HOST") or "localhost", EMAIL.get("EMAIL_PORT") or 25
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = (
    EMAIL.get("EMAIL_HOST_USER") or "",
    EMAIL.get("EMAIL_HOST_PASSWORD") or "",
)
EMAIL_USE_TLS, EMAIL_USE_SSL = bool(EMAIL.get("EMAIL_USE_TLS")), bool(EMAIL.get("EMAIL_USE_SSL"))
DEFAULT_FROM_EMAIL = EMAIL.get("DEFAULT_FROM_EMAIL") or "footlight@localhost"

# ── queue and live updates ────────────────────────────────────────────────────────────────────────
REDIS_URL = redis_address.checked(
    env.text("REDIS_URL") or STACK.get("redis", "redis://127.0.0.1:6379/0")
)
REDIS_PREFIX = env.redis_prefix(SECRET_KEY)
QUEUES = ("shifts", "steps", "films", "edits")
RQ_QUEUES = {
    f"{REDIS_PREFIX}-{name}": {
        "URL": REDIS_URL,
        "DEFAULT_TIMEOUT": 1800,
        "DEFAULT_RESULT_TTL": 0,
        "SERIALIZER": "json",
    }
    for name in QUEUES
}
RQ = {"JOB_CLASS": "jobs.common.queue_entries.StepEntry"}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        # Limits of tries are counted here: a flood of made-up addresses must not push them out.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
    # Pieces of pages as they were drawn: about two kilobytes each.
    "fragments": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "fragments",
        "OPTIONS": {"MAX_ENTRIES": 5_000},
    },
}

# ── Model Studio ──────────────────────────────────────────────────────────────────────────────────
MODELSTUDIO_URL = env.address(
    "MODELSTUDIO_URL", STACK.get("modelstudio", "https://dashscope.aliyuncs.com/api/v1")
)
# The simulator of `manage.py dev` is on this machine, and a site that others reach has none.
SIMULATED = not STRICT and urlsplit(MODELSTUDIO_URL).hostname in ("127.0.0.1", "localhost", "::1")
MEDIA_DELIVERY = env.choice("MEDIA_DELIVERY", "auto", ("auto", "public", "temporary"))
DASHSCOPE_API_KEY = env.text("DASHSCOPE_API_KEY")
# what studio shows of files that only jobs knows: which models take them
ASSET_SUITABILITY = "jobs.pages.suitability.suitability"
# what somebody has in a team, of which is asked when they go
BELONGINGS = (
    "studio.files.leaving.FILES",
    "studio.files.leaving.VIDEOS",
    "jobs.orders.leaving.PRESETS",
    "jobs.orders.leaving.WAITING",
    "jobs.orders.leaving.ASKED",
)
# what jobs know of a person: for their export, and when they are erased
PERSONAL_DATA = "jobs.orders.personal_data.KNOWS"
# who erases files of somebody who goes, with what jobs know of them
FILE_ERASER = "jobs.orders.trash.erase_files"
# who wakes a worker for a video that is made over
EDIT_WAKEUP = "jobs.common.wakeup.enqueue_edit"
LINK_HOURS = 26  # a queued task may be fetched late, and a task lives 24 h

# ── words and time ────────────────────────────────────────────────────────────────────────────────
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

# ── safety of pages ───────────────────────────────────────────────────────────────────────────────
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],
        "media-src": ["'self'", "blob:"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

# ── being watched ─────────────────────────────────────────────────────────────────────────────────
LOG_FORMAT = env.choice("LOG_FORMAT", "json" if STRICT else "console", logs.FORMATS)
LOGGING = logs.config(LOG_FORMAT)
METRICS_TOKEN = env.text("METRICS_TOKEN")
if METRICS_TOKEN and len(METRICS_TOKEN) < 16:
    raise ImproperlyConfigured(
        "METRICS_TOKEN is shorter than 16 characters, so it can be guessed. Use a long random word."
    )
# what studio tells of the engine without knowing it
WORKER_ALIVE = "jobs.common.wakeup.worker_alive"
CLOCK_PROBLEM = "jobs.common.wakeup.clock_problem"
# what the admin says first
SITE_PROBLEMS = (CLOCK_PROBLEM, "jobs.engine.restored.problem", "studio.mail.queue.problem")
