"""Doors whose entry in the trail is tried by tests of their own."""

from __future__ import annotations

from studio.audit.events import Event as E

# Here only the module that records is looked at, not what it writes.
RECORDED_BY = {
    "domains": ("studio/teams/join_domains", E.DOMAIN_CHANGED),
    "join_by_domain": ("studio/teams/join_domains", E.JOINED),
    "invite": ("studio/teams/invitations", E.INVITED),
    "invitation": ("studio/teams/invitations", E.JOINED),
    "invitation_renew": ("studio/teams/invitations", E.INVITATION_SENT_AGAIN),
    "invitation_revoke": ("studio/teams/invitations", E.INVITATION_REVOKED),
    "member_role": ("studio/teams/members", E.ROLE_CHANGED),
    "remove": ("studio/teams/members", E.REMOVED),
    "leave": ("studio/teams/members", E.LEFT),
    "transfer": ("studio/teams/members", E.OWNER_CHANGED),
    "profile": ("studio/teams/profile_views", E.PROFILE_CHANGED),
    "jobs:try_it": ("jobs/accounts/account_setup", E.CONNECTION_ADDED),
    "team_settings": ("jobs/pages/team/settings_form", E.TEAM_CHANGED),
}
