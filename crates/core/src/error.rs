//! The error catalogue: every `error_type` that Ostiary answers, with its status and text (spec 01d).
//!
//! Clients branch on the name, people read the text, so the text says what to do next and never carries other
//! members' data, SQL, or the source of a failure. A variant without a row does not compile.

use serde_json::{Map, Value};

macro_rules! catalogue {
    ($($variant:ident = ($status:literal, $name:literal, $text:literal)),+ $(,)?) => {
        /// One variant for each `error_type`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorType { $(#[doc = concat!("`", $name, "` (", $status, "): ", $text)] $variant),+ }

        impl ErrorType {
            /// The whole catalogue, in the order of the source.
            pub const ALL: &'static [ErrorType] = &[$(ErrorType::$variant),+];

            /// The HTTP status.
            pub const fn status(self) -> u16 {
                match self { $(ErrorType::$variant => $status),+ }
            }

            /// The name on the wire.
            pub const fn name(self) -> &'static str {
                match self { $(ErrorType::$variant => $name),+ }
            }

            /// What was wrong and what to do, in general; an [`Error`] may carry a more exact text.
            pub const fn text(self) -> &'static str {
                match self { $(ErrorType::$variant => $text),+ }
            }
        }
    };
}

catalogue! {
    // Requests as such
    BadRequest = (400, "bad_request", "The request is not valid. Check the body against the API reference."),
    InvalidArgument = (400, "invalid_argument", "An argument has a value that is not allowed."),
    InvalidId = (400, "invalid_id", "An id in the request is not well formed."),
    InvalidRequestValue = (400, "invalid_request_value", "A value in the request is too long or has characters that are not allowed."),
    ForbiddenCharacterZeroWidthSpace = (400, "forbidden_character_zero_width_space", "A value has zero-width characters. Remove them."),
    RequestTooLarge = (413, "request_too_large", "The body is larger than this server accepts."),
    UnsupportedMediaType = (415, "unsupported_media_type", "Send the body as JSON with Content-Type: application/json."),
    RouteNotFound = (404, "route_not_found", "There is no such endpoint. Check the method and the path."),
    MethodNotAllowed = (405, "method_not_allowed", "The endpoint exists, but not with this method."),
    TooManyRequests = (429, "too_many_requests", "Too many requests. Wait and try again."),
    TooFewTokensAuthenticated = (429, "too_few_tokens_authenticated", "Too many codes were sent there and none was entered. Enter one, or wait until tomorrow."),
    TooManyUnverifiedFactors = (429, "too_many_unverified_factors", "The member was given too many phone numbers without proving one. Wait until tomorrow."),
    InternalServerError = (500, "internal_server_error", "Something went wrong on the server. The request id helps its operator to find out what."),
    ServerUnavailable = (503, "server_unavailable", "The server cannot reach its database. Try again shortly."),
    UnavailableEndpoint = (503, "unavailable_endpoint", "This endpoint is not available on this server."),

    // Who is calling
    UnauthorizedCredentials = (401, "unauthorized_credentials", "The project id and secret are not correct."),
    InvalidAuthorizationHeader = (401, "invalid_authorization_header", "Send HTTP Basic authorization with the project id and a secret."),
    InvalidProjectIdAuthentication = (401, "invalid_project_id_authentication", "The project id is not one of this server."),
    InvalidSecretAuthentication = (401, "invalid_secret_authentication", "The secret is not one of this project."),
    UserUnauthenticated = (401, "user_unauthenticated", "There is no session. Sign in first."),
    PublicTokenNotFound = (404, "public_token_not_found", "The public token is not one of this server."),
    PublicTokenRequired = (401, "public_token_required", "Send HTTP Basic authorization with the public token."),
    BadDomain = (400, "bad_domain_for_stytch_sdk", "The page's origin is not one of the authorized domains of this project."),
    TestIdUsedInLiveEnvironment = (401, "test_id_used_in_live_environment", "The id belongs to a test environment."),
    LiveIdUsedInTestEnvironment = (401, "live_id_used_in_test_environment", "The id belongs to a live environment."),
    ProjectNotFound = (404, "project_not_found", "There is no such project."),

    // Organizations
    OrganizationNotFound = (404, "organization_not_found", "There is no such organization."),
    InvalidOrganizationId = (400, "invalid_organization_id", "The organization id, slug or external id is not well formed."),
    OrganizationNameMissing = (400, "organization_name_missing", "An organization needs a name."),
    InvalidOrganizationName = (400, "invalid_organization_name", "The name must have 1 to 128 characters, none of them a control character."),
    OrganizationNameIncludesBannedWords = (400, "organization_name_includes_banned_words", "The name has words that names of organizations may not have here."),
    OrganizationLogoUrlTooLong = (400, "organization_logo_url_too_long", "The logo URL is too long."),
    InvalidOrganizationLogoUrl = (400, "invalid_organization_logo_url", "The logo URL must be an http or https URL."),
    InvalidOrganizationSlug = (400, "invalid_organization_slug", "The slug must have 2 to 128 letters, digits or any of - . _ ~"),
    OrganizationSlugAlreadyUsed = (400, "organization_slug_already_used", "Another organization of this project has that slug."),
    InvalidOrganizationExternalId = (400, "invalid_organization_external_id", "The external id must have 1 to 128 letters, digits or any of . _ - | and must not look like an id of this server."),
    OrganizationExternalIdAlreadyUsed = (400, "organization_external_id_already_used", "Another organization of this project has that external id."),
    AllowedAuthMethodsRequired = (400, "allowed_auth_methods_required_for_restricted", "auth_methods RESTRICTED needs at least one value in allowed_auth_methods."),
    AllowedMfaMethodsRequired = (400, "allowed_mfa_methods_required_for_restricted", "mfa_methods RESTRICTED needs at least one value in allowed_mfa_methods."),
    InvalidAllowedAuthMethods = (400, "invalid_organization_allowed_auth_methods", "allowed_auth_methods has a value that is not an authentication method."),
    InvalidAllowedMfaMethods = (400, "invalid_organization_allowed_mfa_methods", "allowed_mfa_methods has a value that is not sms_otp or totp."),
    InvalidAuthFactorSetting = (400, "invalid_organization_auth_factor_setting", "The setting must be ALL_ALLOWED, RESTRICTED or NOT_ALLOWED."),
    InvalidEmailJitSetting = (400, "invalid_organization_auth_factor_setting_for_email_jit_provisioning", "email_jit_provisioning must be RESTRICTED or NOT_ALLOWED."),
    InvalidOauthTenantJitSetting = (400, "invalid_organization_auth_factor_setting_for_oauth_tenant_jit_provisioning", "oauth_tenant_jit_provisioning must be RESTRICTED or NOT_ALLOWED."),
    InvalidAuthMethodSettings = (400, "invalid_organization_auth_method_settings", "auth_methods must be ALL_ALLOWED or RESTRICTED."),
    InvalidMfaPolicy = (400, "invalid_organization_mfa_policy", "mfa_policy must be REQUIRED_FOR_ALL or OPTIONAL."),
    InvalidMfaFactorSetting = (400, "invalid_organization_mfa_factor_setting", "mfa_methods must be ALL_ALLOWED or RESTRICTED."),
    InvalidRestrictedEmailSetting = (400, "invalid_restricted_email_setting", "RESTRICTED needs at least one domain in email_allowed_domains."),
    InvalidRestrictedSsoSetting = (400, "invalid_restricted_sso_setting", "sso_jit_provisioning RESTRICTED needs at least one allowed connection."),
    InvalidRestrictedOauthTenantsSetting = (400, "invalid_restricted_oauth_tenants_setting", "oauth_tenant_jit_provisioning RESTRICTED needs at least one tenant in allowed_oauth_tenants."),
    InvalidAllowedOauthTenants = (400, "invalid_oauth_allowed_tenants_format", "allowed_oauth_tenants must map slack, hubspot or github to lists of tenant ids."),
    InvalidSsoDefaultConnection = (400, "invalid_sso_default_connection_id", "sso_default_connection_id must be an active connection of the organization."),
    SettingsDomainTooCommon = (400, "organization_settings_domain_too_common", "The domain belongs to a public mail provider and cannot stand for one organization."),
    SettingsDisposableDomain = (400, "organization_settings_disposable_domain", "The domain belongs to a disposable mail provider."),
    SettingsInvalidDomain = (400, "organization_settings_invalid_domain", "The domain is not a valid domain name."),
    SettingsDuplicateDomain = (400, "organization_settings_duplicate_domain", "The domain is listed twice."),
    SettingsClaimedDomainTooCommon = (400, "organization_settings_claimed_domain_too_common", "The domain belongs to a public mail provider and cannot be claimed."),
    SettingsInvalidClaimedDomain = (400, "organization_settings_invalid_claimed_domain", "The claimed domain is not a valid domain name."),
    SettingsDuplicateClaimedDomain = (400, "organization_settings_duplicate_claimed_domain", "Another organization has claimed that domain, or it is listed twice."),
    TooManyDomains = (400, "too_many_domains", "The list has more domains than an organization may have."),
    RbacDomainTooCommon = (400, "rbac_domain_too_common", "Roles cannot follow from a domain of a public mail provider."),
    RbacInvalidDomain = (400, "rbac_invalid_domain", "The domain of a role assignment is not a valid domain name."),
    InvalidConnectedAppsSetting = (400, "invalid_organization_connected_apps_setting", "The connected apps setting must be ALL_ALLOWED, RESTRICTED or NOT_ALLOWED."),
    CannotUpdateTrustedMetadata = (401, "cannot_update_trusted_metadata", "Trusted metadata can only be changed with the secret key and no member session."),

    // Members
    MemberNotFound = (404, "member_not_found", "There is no such member in this organization."),
    InvalidMemberGetFields = (400, "invalid_member_get_fields", "Give exactly one of member_id and email_address."),
    DuplicateMemberEmail = (400, "duplicate_member_email", "A member of this organization already has that email address."),
    RetiredMemberEmail = (400, "retired_member_email", "The email address is a retired address of another member of this organization."),
    DesiredEmailDeactivatedByDifferentMember = (400, "desired_email_deactivated_by_different_member", "The email address is a retired address of another member of this organization."),
    DesiredEmailUpdatingForDifferentMember = (400, "desired_email_updating_for_different_member", "Another member of this organization is changing to that email address."),
    EmailNotFound = (404, "email_not_found", "The member has no such email address."),
    RetiredEmailMissingIdentifiers = (400, "retired_email_missing_email_identifiers", "Give email_id, email_address or both."),
    DuplicateMemberExternalId = (400, "duplicate_member_external_id", "A member of this organization already has that external id."),
    InvalidMemberExternalId = (400, "invalid_member_external_id", "The external id must have 1 to 128 letters, digits or any of . _ - | and must not look like an id of this server."),
    DuplicateMemberPhoneNumber = (400, "duplicate_member_phone_number", "Another member of this organization has that phone number."),
    DuplicateMemberPhoneNumberForMember = (400, "duplicate_member_phone_number_for_member", "The member already has a phone number. Delete it before setting another."),
    InvalidEmail = (400, "invalid_email", "The email address is not valid."),
    InvalidPhoneNumber = (400, "invalid_phone_number", "The phone number must be in E.164 form, like +12025550123."),
    InvalidPhoneNumberCountryCode = (400, "invalid_phone_number_country_code", "Phone numbers of that country are not allowed in this project."),
    InvalidName = (400, "invalid_name", "The name must have at most 256 characters, none of them a control character."),
    InvalidMfaDefaultMethod = (400, "invalid_mfa_default_method", "default_mfa_method must be sms_otp or totp."),
    DefaultMfaMemberMissingFactor = (400, "default_mfa_member_missing_factor", "The member has no registered factor of that kind."),
    MemberCannotUpdateTheirEmail = (400, "member_cannot_update_their_email_address", "Members change their own address through the email update flow."),
    ActionAvailableOnlyForActiveMembers = (400, "action_available_only_for_active_members", "The member must be active."),
    EmailUpdatesOnlyForActiveMembers = (400, "email_updates_available_only_for_active_members", "Only active members can change their email address."),
    MemberHasNoActiveVerifiedEmail = (400, "member_has_no_active_verified_email", "The member has no verified email address."),
    NoDeletedMemberFoundForReactivation = (404, "no_deleted_member_found_for_reactivation", "There is no deleted member with that id."),
    EmailUnverifiedForReactivation = (400, "email_unverified_for_reactivation", "Only members with a verified email address can be reactivated."),
    ReactivationEmailBelongsToAnotherMember = (400, "reactivation_email_belongs_to_another_member", "Another member of the organization has that email address now."),
    UserAlreadyInvited = (400, "user_already_invited", "The member is already active and cannot be invited."),
    InvalidRole = (400, "invalid_role", "There is no such role in the policy."),
    CannotAssignDefaultRole = (400, "cannot_assign_default_rbac_role_id", "The default role is held by every member and cannot be assigned."),
    TooManyRoles = (400, "too_many_roles", "The list has more roles than may be assigned."),
    InvalidRoleAssignment = (400, "invalid_rbac_role_assignment", "The role assignment is not valid."),
    EmptyRbacRoleId = (400, "empty_rbac_role_id", "A role needs a role_id."),
    EmptyRbacResourceId = (400, "empty_rbac_resource_id", "A resource needs a resource_id."),
    EmptyRbacScope = (400, "empty_rbac_scope", "A scope needs a name."),
    InvalidRbacRoleId = (400, "invalid_rbac_role_id", "A role_id may have letters, digits and any of _ . : -"),
    InvalidRbacScope = (400, "invalid_rbac_scope", "A scope must be printable ASCII without spaces, quotation marks and backslashes."),
    RbacRoleIdTooLong = (400, "rbac_role_id_too_long", "A role_id may have at most 128 characters."),
    RbacResourceIdTooLong = (400, "rbac_resource_id_too_long", "A resource_id may have at most 128 characters."),
    RbacActionTooLong = (400, "rbac_action_too_long", "An action may have at most 128 characters."),
    RbacScopeTooLong = (400, "rbac_scope_too_long", "A scope may have at most 128 characters."),
    RbacDescriptionTooLong = (400, "rbac_description_too_long", "A description may have at most 1024 characters."),
    RbacRoleDuplicate = (400, "rbac_role_duplicate", "Two roles have the same role_id. Roles of an organization and its project share one set of ids."),
    RbacResourceDuplicate = (400, "rbac_resource_duplicate", "A resource is listed twice."),
    RbacActionDuplicate = (400, "rbac_action_duplicate", "An action is listed twice."),
    RbacScopeDuplicate = (400, "rbac_scope_duplicate", "Two scopes have the same name."),
    RbacRoleMissingPermissions = (400, "rbac_role_missing_permissions", "A role needs at least one permission."),
    RbacScopeMissingPermissions = (400, "rbac_scope_missing_permissions", "A scope needs at least one permission."),
    RbacPermissionMissingActions = (400, "rbac_permission_missing_actions", "A permission needs at least one action."),
    RbacResourceMissingActions = (400, "rbac_resource_missing_actions", "A resource needs at least one action, and none may be blank."),
    InvalidPermissionResource = (400, "invalid_permission_resource", "A permission names a resource that does not exist, or a resource has an id that none may have."),
    InvalidPermissionAction = (400, "invalid_permission_action", "A permission names an action that its resource does not list, or a resource lists *."),
    CannotSpecifyWildcardWithOtherActions = (400, "cannot_specify_wildcard_with_other_actions", "* stands for every action. List it alone."),
    InvalidStytchPrefixedResource = (400, "invalid_stytch_prefixed_resource", "Ids of custom resources cannot begin with stytch."),
    InvalidRbacStytchRoleEdit = (400, "invalid_rbac_stytch_role_edit", "Built-in roles keep their id and description, and ids of custom roles cannot begin with stytch."),
    RbacReservedScope = (400, "rbac_reserved_scope", "The scope is one of the default scopes, which cannot be changed."),
    RbacCannotDeleteAttributeUsedInOrgPolicy = (400, "rbac_cannot_delete_attribute_used_in_org_policy", "A role of an organization still uses a resource or an action that the policy no longer has."),
    InvalidRbacCustomRole = (400, "invalid_rbac_custom_role", "A role must be an object with role_id, description and permissions, and a permission one with resource_id and actions."),
    RbacOrgCustomRolesOnly = (400, "rbac_org_custom_roles_only", "An organization cannot define built-in roles."),
    MetadataTooManyKeys = (400, "metadata_too_many_keys", "Metadata may have at most 20 top-level keys."),
    MetadataTooLarge = (400, "metadata_too_large", "Metadata may have at most 4 KB."),
    MetadataInvalidFormat = (400, "metadata_invalid_format", "Metadata must be a JSON object."),
    ActionNotAllowedDomainClaimed = (400, "action_not_allowed_email_domain_is_claimed", "The email domain is claimed by another organization."),

    // Who may join
    EmailJitProvisioningNotAllowed = (400, "email_jit_provisioning_not_allowed", "This organization does not let people join by email domain."),
    InvalidEmailForJitProvisioning = (400, "invalid_email_for_jit_provisioning", "The email domain is not one that may join this organization."),
    InvalidEmailForInvites = (400, "invalid_email_for_invites", "This organization's settings do not allow an invitation to that address."),
    OauthTenantJitNotAllowed = (400, "oauth_tenant_jit_provisioning_not_allowed", "This organization does not let people join by OAuth tenant."),
    OperationRestrictedByAuthMethods = (400, "operation_restricted_by_organization_auth_methods", "This organization does not allow that authentication method."),
    OperationRestrictedByMfaMethods = (400, "operation_restricted_by_organization_mfa_methods", "This organization does not allow that MFA method."),

    // Redirect URLs
    InvalidLoginRedirectUrl = (400, "invalid_login_redirect_url", "login_redirect_url is not a valid URL."),
    InvalidSignupRedirectUrl = (400, "invalid_signup_redirect_url", "signup_redirect_url is not a valid URL."),
    InvalidInviteRedirectUrl = (400, "invalid_invite_redirect_url", "invite_redirect_url is not a valid URL."),
    InvalidDiscoveryRedirectUrl = (400, "invalid_discovery_redirect_url", "discovery_redirect_url is not a valid URL."),
    InvalidPasswordResetRedirectUrl = (400, "invalid_password_reset_redirect_url", "reset_password_redirect_url is not a valid URL."),
    NoMatchForRedirectUrl = (400, "no_match_for_provided_magic_link_url", "The redirect URL is not one of the configured ones. Add it to the project's redirect URLs."),
    NoLoginRedirectUrlsSet = (400, "no_login_redirect_urls_set", "The project has no login redirect URL."),
    NoSignupRedirectUrlsSet = (400, "no_signup_redirect_urls_set", "The project has no signup redirect URL."),
    NoInviteRedirectUrlsSet = (400, "no_invite_redirect_urls_set", "The project has no invite redirect URL."),
    NoDiscoveryRedirectUrlsSet = (400, "no_discovery_redirect_urls_set", "The project has no discovery redirect URL."),
    NoPasswordResetRedirectUrl = (400, "no_password_reset_redirect_url", "The project has no password reset redirect URL."),
    NoDefaultLoginRedirectUrl = (400, "no_default_login_redirect_url_set", "The project has no default login redirect URL."),
    NoDefaultSignupRedirectUrl = (400, "no_default_signup_redirect_url_set", "The project has no default signup redirect URL."),
    NoDefaultInviteRedirectUrl = (400, "no_default_invite_redirect_url_set", "The project has no default invite redirect URL."),
    NoDefaultDiscoveryRedirectUrl = (400, "no_default_discovery_redirect_url_set", "The project has no default discovery redirect URL."),
    NoDefaultPasswordResetRedirectUrl = (400, "no_default_password_reset_redirect_url_set", "The project has no default password reset redirect URL."),
    RedirectUrlMustUseHttps = (400, "redirect_url_must_use_https", "Redirect URLs of a live environment must use https."),
    RedirectUrlCannotUseProtocol = (400, "redirect_url_cannot_use_protocol", "Redirect URLs cannot use that protocol."),
    NoWildcardsInLiveRedirectUrl = (400, "no_wildcards_in_live_redirect_url", "Redirect URLs of a live environment cannot have wildcards."),
    RedirectUrlWithWildcardCannotBeDefault = (400, "redirect_url_with_wildcard_cannot_be_default", "A redirect URL with a wildcard cannot be the default."),
    QueryParamsDoNotMatch = (400, "query_params_do_not_match", "The query of the redirect URL is not the configured one."),
    RedirectUrlWithPlaceholderCannotBeDefault = (400, "redirect_url_with_query_param_placeholder_cannot_be_default", "A redirect URL with a placeholder cannot be the default."),

    // PKCE
    PkceMismatch = (400, "pkce_mismatch", "The PKCE verifier does not belong to the challenge."),
    PkceExpectedCodeVerifier = (400, "pkce_expected_code_verifier", "The flow began with a PKCE challenge. Send its verifier."),
    PkceDidNotExpectCodeVerifier = (400, "pkce_did_not_expect_code_verifier", "The flow began without a PKCE challenge. Send no verifier."),
    InvalidPkceCodeChallenge = (400, "invalid_pkce_code_challenge", "The PKCE challenge must be the base64url SHA-256 of the verifier."),
    InvalidPkceCodeVerifier = (400, "invalid_pkce_code_verifier", "The PKCE verifier is not well formed."),
    PkceRequiredForNativeCallback = (400, "pkce_required_for_native_callback", "Redirect URLs with a native scheme need PKCE."),

    // Magic links and codes
    MagicLinkNotFound = (404, "magic_link_not_found", "There is no such link. Ask for a new one."),
    UnableToAuthMagicLink = (401, "unable_to_auth_magic_link", "The link was used already or has expired. Ask for a new one."),
    OtpCodeNotFound = (404, "otp_code_not_found", "The code is wrong, or none is outstanding. Check it or ask for a new one."),
    UnableToAuthOtpCode = (401, "unable_to_auth_otp_code", "The code was used already or has expired. Ask for a new one."),
    InvalidCode = (400, "invalid_code", "The code must have six digits."),
    InvalidExpiration = (400, "invalid_expiration", "The expiration is outside the allowed range of 5 to 10080 minutes."),
    InvalidExpirationOtp = (400, "invalid_expiration_otp", "The expiration is outside the allowed range of 2 to 15 minutes."),
    InvalidLocale = (400, "invalid_locale", "The locale is not supported."),
    InvalidTemplateId = (400, "invalid_template_id", "There is no such template of that kind."),
    UnableToVerifyMemberEmailUpdate = (400, "unable_to_verify_member_email_update", "The email update could not be completed. Start it again."),
    UserLockLimitReached = (429, "user_lock_limit_reached", "Too many failed attempts. The member is locked for a while."),
    InvalidEmailSandbox = (400, "invalid_email_sandbox", "That address is for sandbox calls only."),

    // Passwords
    WeakPassword = (400, "weak_password", "The password is too weak. Choose a longer or less common one."),
    BreachedPassword = (400, "breached_password", "The password is known from a breach of another site. Choose another one."),
    PasswordAlreadyExists = (400, "password_already_exists", "The member already has a password."),
    MemberResetPassword = (400, "member_reset_password", "The password cannot be used any more. Reset it by email."),
    MemberPasswordNotFound = (404, "member_password_not_found", "The member has no password."),
    PasswordNotFound = (404, "password_not_found", "There is no password for that email address."),
    InvalidPasswordId = (400, "invalid_password_id", "The password id is not well formed."),
    UnableToAuthPasswordResetToken = (401, "unable_to_auth_password_reset_token", "The link was used already, has expired, or was never valid. Ask for a new one."),
    SessionTooOldToResetPassword = (400, "session_too_old_to_reset_password", "The session has no factor from the last five minutes. Sign in again first."),
    CannotResetPasswordWithExistingPassword = (400, "cannot_reset_password_with_existing_password", "The existing password must be reset by email."),
    CrossOrgPasswordsEnabled = (400, "cross_org_passwords_enabled", "Passwords of this project count in every organization; this call is for passwords of one organization."),
    CrossOrgPasswordsNotEnabled = (400, "cross_org_passwords_not_enabled", "Passwords of this project count in one organization only; this call is for passwords of all organizations."),
    CannotToggleCrossOrgPasswords = (400, "cannot_toggle_cross_org_passwords_when_password_in_use", "Whether passwords count in every organization cannot be changed while there are passwords."),
    EmailVerificationRequired = (400, "email_verification_required", "The email address must be verified first. Sign in by email."),
    InvalidPasswordStrengthLudsLength = (400, "invalid_password_strength_luds_length", "luds_min_password_length must be from 8 to 32."),
    InvalidPasswordStrengthLudsComplexity = (400, "invalid_password_strength_luds_complexity", "luds_min_password_complexity must be from 1 to 4."),

    // Password hashes of other systems
    InvalidHashType = (400, "invalid_hash_type", "hash_type must be bcrypt, md_5, sha_1, sha_512, argon_2i, argon_2id, scrypt, phpass, pbkdf_2 or firebase_scrypt."),
    InvalidHash = (400, "invalid_hash", "The hash is not well formed."),
    InvalidBcryptHash = (400, "invalid_bcrypt_hash", "The hash must be bcrypt in its usual form of 60 characters: $2a$, $2b$ or $2y$."),
    InvalidBcryptCost = (400, "invalid_bcrypt_cost", "The bcrypt cost must be from 4 to 15."),
    InvalidMd5Hash = (400, "invalid_md_5_hash", "The hash must be MD5 in 32 hexadecimal digits."),
    InvalidSha1Hash = (400, "invalid_sha_1_hash", "The hash must be SHA-1 in 40 hexadecimal digits."),
    InvalidSha512Hash = (400, "invalid_sha_512_hash", "The hash must be SHA-512 in 128 hexadecimal digits."),
    InvalidPrependSalt = (400, "invalid_prepend_salt", "prepend_salt may have at most 1024 bytes."),
    InvalidAppendSalt = (400, "invalid_append_salt", "append_salt may have at most 1024 bytes."),
    Argon2KeyLengthMismatch = (400, "argon_2_key_length_mismatch", "The hash does not have key_length bytes."),
    InvalidArgon2Salt = (400, "invalid_argon_2_salt", "The Argon2 salt must have 8 to 256 bytes."),
    InvalidArgon2IterationAmount = (400, "invalid_argon_2_iteration_amount", "iteration_amount must be at least 1, and memory times iteration_amount at most 4194304 KiB."),
    InvalidArgon2Memory = (400, "invalid_argon_2_memory", "memory must be at least 8 KiB for each thread and at most 262144 KiB."),
    InvalidArgon2Threads = (400, "invalid_argon_2_threads", "threads must be from 1 to 64."),
    InvalidArgon2KeyLength = (400, "invalid_argon_2_key_length", "key_length must be from 4 to 128."),
    InvalidScryptNParameter = (400, "invalid_scrypt_n_parameter", "n_parameter must be a power of two from 2 to 262144."),
    InvalidScryptParameters = (400, "invalid_scrypt_parameters", "r_parameter and p_parameter must be at least 1, with n_parameter they may need at most 256 MiB and about two seconds."),
    InvalidBase64ScryptHash = (400, "invalid_base64_scrypt_hash", "The scrypt hash must be base64 of 1 to 128 bytes."),
    InvalidBase64ScryptSalt = (400, "invalid_base64_scrypt_salt", "The scrypt salt must be base64."),
    InvalidScryptSaltLength = (400, "invalid_scrypt_salt_length", "The scrypt salt must have 1 to 256 bytes."),
    ScryptKeyLengthMismatch = (400, "scrypt_key_length_mismatch", "The hash does not have key_length bytes."),
    InvalidPhpassHashFormat = (400, "invalid_phpass_hash_format", "The hash must be phpass in its usual form of 34 characters."),
    InvalidPhpassHashPrefix = (400, "invalid_phpass_hash_prefix", "A phpass hash begins with $P$ or $H$."),
    InvalidPbkdf2Hash = (400, "invalid_pbkdf_2_hash", "The PBKDF2 hash must be base64 of 1 to 128 bytes."),
    InvalidPbkdf2Salt = (400, "invalid_pbkdf_2_salt", "The PBKDF2 salt must be base64 of 1 to 256 bytes."),
    InvalidPbkdf2IterationAmount = (400, "invalid_pbkdf_2_iteration_amount", "iteration_amount must be from 1 to 10000000 for each block of the key."),
    InvalidPbkdf2Algorithm = (400, "invalid_pbkdf_2_algorithm", "algorithm must be sha256 or sha512."),
    Pbkdf2KeyLengthMismatch = (400, "pbkdf_2_key_length_mismatch", "The hash does not have key_length bytes."),

    // Second factors
    InsufficientFactors = (401, "insufficient_factors", "The member has a second factor already. Complete it in this session first."),
    PrimaryAuthenticationNotMet = (400, "action_available_only_once_primary_authentication_is_met", "Complete the first factor before the second one."),
    MemberPhoneNumberNotFound = (404, "member_phone_number_not_found", "The member has no phone number."),
    TotpNotFound = (404, "totp_not_found", "The member has no authenticator app."),
    ActiveTotpExists = (400, "active_totp_exists", "The member has an authenticator app already. Delete it before adding another."),
    PendingTotpExists = (400, "pending_totp_exists", "An authenticator app waits for its first code. Enter the code, or delete the app."),
    ExpiredTotp = (401, "expired_totp", "The authenticator app was not confirmed in time. Add it again."),
    InvalidTotpCode = (400, "invalid_totp_code", "The code of an authenticator app has six digits."),
    UnableToAuthenticateTotp = (401, "unable_to_authenticate_totp", "The code is wrong. Check the clock of the device and enter the present code."),
    TotpCodeAlreadyAuthenticated = (401, "totp_code_already_authenticated", "The code was used already. Wait for the next one."),
    RecoveryCodeUsedAsTotpCode = (400, "recovery_code_used_as_totp_code", "That is a recovery code. Send it to the recovery endpoint."),
    TotpCodeUsedAsRecoveryCode = (400, "totp_code_used_as_recovery_code", "That is a code of an authenticator app and not a recovery code."),
    InvalidRecoveryCode = (400, "invalid_recovery_code", "The recovery code is not well formed."),
    UnableToAuthenticateRecoveryCode = (401, "unable_to_authenticate_recovery_code", "The recovery code is wrong or was used already."),
    RecoveryCodesNotFound = (404, "recovery_codes_not_found", "The member has no recovery codes."),
    NoActiveRecoveryCodeBackedFactor = (400, "no_active_recovery_code_backed_factor", "The member has no factor that recovery codes stand in for."),

    // Discovery
    IntermediateSessionNotFound = (404, "intermediate_session_not_found", "The intermediate session was used already or has expired. Sign in again."),
    InvalidIntermediateSessionForOrganization = (400, "invalid_intermediate_session_token_for_organization", "The intermediate session cannot be used for this organization."),

    // Sessions
    SessionNotFound = (404, "session_not_found", "There is no such session. It has ended or was revoked."),
    NoSessionArguments = (400, "no_session_arguments", "Give a session_token or a session_jwt."),
    TooManySessionArguments = (400, "too_many_session_arguments", "Give exactly one of session_token and session_jwt."),
    NoSessionRevokeArguments = (400, "no_session_revoke_arguments", "Give one of member_session_id, session_token, session_jwt and member_id."),
    TooManySessionRevokeArguments = (400, "too_many_session_revoke_arguments", "Give exactly one of member_session_id, session_token, session_jwt and member_id."),
    UnableToParseSessionJwt = (400, "unable_to_parse_session_jwt", "The session_jwt is not a valid token of this project."),
    InvalidSessionDurationMinutes = (400, "invalid_session_duration_minutes", "session_duration_minutes must be from 5 to 527040."),
    InvalidSessionDuration = (400, "invalid_session_duration", "session_duration_minutes is above the maximum of this project."),
    CustomClaimsTooLarge = (400, "custom_claims_too_large", "Custom claims may have at most 4 KB."),
    StytchClaimsInCustomClaims = (400, "stytch_claims_in_custom_claims", "Custom claims cannot be in the https://stytch.com/ namespace."),
    UnableToRepresentCustomClaimsJson = (400, "unable_to_represent_custom_claims_json", "Custom claims must be a JSON object."),
    SessionAuthorizationError = (403, "session_authorization_error", "The member may not do that."),
    SessionAuthorizationTenancyError = (403, "session_authorization_tenancy_error", "The session belongs to another organization."),
    MemberSessionMemberIdMismatch = (400, "member_session_member_id_mismatch", "The session belongs to another member."),
    InsufficientFactorsForSessionExchange = (400, "insufficient_factors_for_session_exchange", "Nothing that was proven in this session counts in another organization."),
    UnauthorizedAction = (403, "unauthorized_action", "The project's settings do not allow that."),

    // Search
    SearchInvalidCursor = (400, "user_search_invalid_cursor", "The cursor is not one that this search answered."),
    SearchInvalidLimit = (400, "user_search_invalid_limit", "The limit must be from 1 to 1000."),
    SearchInvalidOperator = (400, "user_search_invalid_operator", "The operator must be AND or OR."),
    SearchTimeout = (408, "search_timeout", "The search took too long. Narrow it down."),
    SearchInvalidStatusFilter = (400, "search_invalid_status_filter", "statuses must be pending, invited, active or deleted."),
    MemberSearchMissingOrganizationId = (400, "member_search_missing_organization_id", "Give organization_ids."),
    MemberSearchOrganizationIdsEmpty = (400, "member_search_organization_ids_empty", "organization_ids must name at least one organization."),
    MemberSearchFilterNameNotRecognized = (400, "member_search_filter_name_not_recognized", "There is no such filter."),
    MemberSearchFilterNameMustBeString = (400, "member_search_filter_name_must_be_string", "filter_name must be a string."),
    MemberSearchMissingFilterName = (400, "member_search_missing_filter_name", "Each operand needs a filter_name."),
    MemberSearchMissingFilterValue = (400, "member_search_missing_filter_value", "Each operand needs a filter_value."),
    MemberSearchMissingMemberIds = (400, "member_search_missing_member_ids", "The value of member_ids is empty."),
    MemberSearchMissingMemberEmails = (400, "member_search_missing_member_emails", "The value of member_emails is empty."),
    MemberSearchMissingMemberEmailFuzzy = (400, "member_search_missing_member_email_fuzzy", "The value of member_email_fuzzy is empty."),
    MemberSearchMissingIsBreakglass = (400, "member_search_missing_is_breakglass", "The value of member_is_breakglass is empty."),
    MemberSearchMissingStatuses = (400, "member_search_missing_statuses", "The value of statuses is empty."),
    MemberSearchMissingStatus = (400, "member_search_missing_status", "The value of status is empty."),
    MemberSearchMissingMfaMemberPhoneNumbers = (400, "member_search_missing_mfa_member_phone_numbers", "The value of member_mfa_phone_numbers is empty."),
    MemberSearchMissingMfaMemberPhoneNumberFuzzy = (400, "member_search_missing_mfa_member_phone_number_fuzzy", "The value of member_mfa_phone_number_fuzzy is empty."),
    MemberSearchMissingMemberRoles = (400, "member_search_missing_member_roles", "The value of member_roles is empty."),
    MemberSearchMissingPasswordExists = (400, "member_search_missing_password_exists", "The value of member_password_exists is empty."),
    MemberSearchMissingTotpExists = (400, "member_search_missing_totp_exists", "The value of member_totp_exists is empty."),
    MemberSearchMissingOauthProviders = (400, "member_search_missing_oauth_providers", "The value of oauth_providers is empty."),
    MemberSearchMissingOrganizationSlug = (400, "member_search_missing_organization_slug", "The value of organization_slug is empty."),
    MemberSearchMissingOrganizationSlugFuzzy = (400, "member_search_missing_organization_slug_fuzzy", "The value of organization_slug_fuzzy is empty."),
    MemberSearchExpectedArrayOfStrings = (400, "member_search_expected_array_of_strings", "The filter needs a list of strings."),
    MemberSearchExpectedString = (400, "member_search_expected_string", "The filter needs a string."),
    MemberSearchExpectedBoolean = (400, "member_search_expected_boolean", "The filter needs true or false."),
    MemberSearchEmailFuzzyTooShort = (400, "member_search_member_email_fuzzy_too_short", "Fuzzy filters need at least three characters."),
    MemberSearchPhoneFuzzyTooShort = (400, "member_search_member_mfa_phone_number_fuzzy_too_short", "Fuzzy filters need at least three characters."),
    MemberSearchSlugFuzzyTooShort = (400, "member_search_organization_slug_fuzzy_too_short", "Fuzzy filters need at least three characters."),
    MemberSearchCannotMixIds = (400, "member_search_cannot_mix_internal_and_external_member_ids", "member_ids must all be ids of this server or all be external ids."),
    OrganizationSearchFilterNameNotRecognized = (400, "organization_search_filter_name_not_recognized", "There is no such filter."),
    OrganizationSearchFilterNameMustBeString = (400, "organization_search_filter_name_must_be_string", "filter_name must be a string."),
    OrganizationSearchMissingFilterName = (400, "organization_search_missing_filter_name", "Each operand needs a filter_name."),
    OrganizationSearchMissingFilterValue = (400, "organization_search_missing_filter_value", "Each operand needs a filter_value."),
    OrganizationSearchMissingOrganizationIds = (400, "organization_search_missing_organization_ids", "The value of organization_ids is empty."),
    OrganizationSearchMissingOrganizationSlugs = (400, "organization_search_missing_organization_slugs", "The value of organization_slugs is empty."),
    OrganizationSearchMissingOrganizationSlugFuzzy = (400, "organization_search_missing_organization_slug_fuzzy", "The value of organization_slug_fuzzy is empty."),
    OrganizationSearchMissingOrganizationNameFuzzy = (400, "organization_search_missing_organization_name_fuzzy", "The value of organization_name_fuzzy is empty."),
    OrganizationSearchMissingMemberEmails = (400, "organization_search_missing_member_emails", "The value of member_emails is empty."),
    OrganizationSearchMissingMemberEmailFuzzy = (400, "organization_search_missing_member_email_fuzzy", "The value of member_email_fuzzy is empty."),
    OrganizationSearchMissingAllowedDomains = (400, "organization_search_missing_allowed_domains", "The value of allowed_domains is empty."),
    OrganizationSearchMissingAllowedDomainFuzzy = (400, "organization_search_missing_allowed_domain_fuzzy", "The value of allowed_domain_fuzzy is empty."),
    OrganizationSearchMissingClaimedEmailDomains = (400, "organization_search_missing_claimed_email_domains", "The value of claimed_email_domains is empty."),
    OrganizationSearchMissingHasActiveSsoConnection = (400, "organization_search_missing_has_active_sso_connection", "The value of has_active_sso_connection is empty."),
    OrganizationSearchMissingSsoConnectionId = (400, "organization_search_missing_sso_connection_id", "The value of sso_connection_id is empty."),
    OrganizationSearchExpectedArrayOfStrings = (400, "organization_search_expected_array_of_strings", "The filter needs a list of strings."),
    OrganizationSearchExpectedString = (400, "organization_search_expected_string", "The filter needs a string."),
    OrganizationSearchExpectedBoolean = (400, "organization_search_expected_boolean", "The filter needs true or false."),
    OrganizationSearchNameFuzzyTooShort = (400, "organization_search_organization_name_fuzzy_too_short", "Fuzzy filters need at least three characters."),
    OrganizationSearchSlugFuzzyTooShort = (400, "organization_search_organization_slug_fuzzy_too_short", "Fuzzy filters need at least three characters."),
    OrganizationSearchEmailFuzzyTooShort = (400, "organization_search_member_email_fuzzy_too_short", "Fuzzy filters need at least three characters."),
    OrganizationSearchDomainFuzzyTooShort = (400, "organization_search_allowed_domain_fuzzy_too_short", "Fuzzy filters need at least three characters."),

    // Machine-to-machine clients
    M2mClientNotFound = (404, "m2m_client_not_found", "There is no such M2M client."),
    DuplicateM2mClientId = (400, "duplicate_m2m_client_id", "Another M2M client of this project has that client_id."),
    M2mClientInvalidClientId = (400, "m2m_client_invalid_client_id", "client_id must have 1 to 128 letters, digits or any of . _ ~ @ - | and must not look like another id of this server."),
    InsecureM2mClientSecret = (400, "insecure_m2m_client_secret", "client_secret is too easy to guess. Give a longer random one, or none to have one made."),
    M2mClientInvalidClientSecret = (400, "m2m_client_invalid_client_secret", "client_secret must have at most 256 characters, all of them printable ASCII."),
    M2mClientInvalidClientName = (400, "m2m_client_invalid_client_name", "client_name must have at most 128 characters, none of them a control character."),
    M2mClientInvalidClientDescription = (400, "m2m_client_invalid_client_description", "client_description must have at most 512 characters, none of them a control character other than a line feed."),
    InvalidM2mClientStatus = (400, "invalid_m2m_client_status", "status must be active or inactive."),
    InvalidM2mClientScope = (400, "invalid_m2m_client_scope", "A scope must have 1 to 128 printable ASCII characters, none of them a space, a quotation mark or a backslash."),
    TooManyM2mClientScopes = (400, "too_many_m2m_client_scopes", "An M2M client may have at most 200 scopes."),
    TooManyM2mClients = (400, "too_many_m2m_clients_for_billing_tier", "The project has as many M2M clients as its operator allows."),
    M2mClientAlreadyRotatingSecret = (400, "m2m_client_already_rotating_secret", "The secret is being rotated already. Complete or cancel that first."),
    M2mClientNotRotatingSecret = (400, "m2m_client_not_rotating_secret", "The secret is not being rotated. Start a rotation first."),
    M2mSearchFilterNameNotRecognized = (400, "m2m_search_filter_name_not_recognized", "There is no such filter."),
    M2mSearchFilterNameMustBeString = (400, "m2m_search_filter_name_must_be_string", "filter_name must be a string."),
    M2mSearchMissingFilterName = (400, "m2m_search_missing_filter_name", "Each operand needs a filter_name."),
    M2mSearchMissingFilterValue = (400, "m2m_search_missing_filter_value", "Each operand needs a filter_value."),
    M2mSearchExpectedArrayOfStrings = (400, "m2m_search_expected_array_of_strings", "The filter needs a list of strings."),

    // Claim templates
    JwtTemplateInvalidJson = (400, "jwt_template_invalid_json", "The template must be the text of a JSON object of at most 16 KB, with tags in place of values."),
    JwtTemplateInvalidTag = (400, "jwt_template_invalid_tag", "A tag must be a path like {{ client.trusted_metadata.plan }} in place of a value."),
    JwtTemplateMismatchedTag = (400, "jwt_template_mismatched_tag", "A tag begins with {{ and does not end with }}."),
    ReservedClaimsInCustomClaims = (400, "reserved_claims_in_custom_claims", "iss, sub, aud, exp, nbf, iat, jti and scope are set by the server."),

    // Trusted tokens, and sessions of the system that came before
    InvalidTrustedAuthToken = (401, "invalid_trusted_auth_token", "The token is not signed by a key of the profile, has ended, or was used already."),
    JwtInvalidIssuer = (400, "jwt_invalid_issuer", "The token is from another issuer than the profile's."),
    JwtInvalidAudience = (400, "jwt_invalid_audience", "The token is for another audience than the profile's."),
    JwtInvalidClaims = (400, "jwt_invalid_claims", "A claim of the token is missing or cannot be used."),
    TokenMissingOrganizationIdClaim = (400, "token_missing_organization_id_claim", "The token does not say which organization it is for."),
    InvalidTokenOrganizationIdClaim = (400, "invalid_token_organization_id_claim", "The token's organization cannot be used."),
    TrustedTokenProfileNotFound = (404, "trusted_token_profile_not_found", "There is no such trusted token profile in this environment."),
    TrustedTokenProfileInvalidRequest = (400, "trusted_token_profile_invalid_request", "The trusted token profile is not valid."),
    MustHaveJwksUrlForTrustedTokenProfile = (400, "must_have_jwks_url_for_trusted_token_profile_with_type_jwk", "A profile of the type JWK needs a jwks_url."),
    MustHavePemFilesForTrustedTokenProfile = (400, "must_have_pem_files_for_trusted_token_profile_with_type_pem", "A profile of the type PEM needs at least one PEM file."),
    CannotAddPemFileToNonPemProfile = (400, "cannot_add_pem_file_to_non_pem_trusted_token_profile", "Only profiles of the type PEM have PEM files."),
    TooManyPemFilesForTrustedTokenProfile = (400, "too_many_pem_files_for_trusted_token_profile", "The profile has as many PEM files as it can hold. Delete one first."),
    TooManyTrustedTokenProfiles = (400, "too_many_trusted_token_profiles_for_project", "The environment has as many trusted token profiles as it can hold. Delete one first."),
    OauthAccessTokenExchangeInvalidGrant = (400, "oauth_access_token_exchange_token_invalid_grant", "The access token is not one of a Connected App of this project. This server has no Connected Apps yet."),
    MigrateFromExternalMissingUserinfo = (400, "migrate_from_external_missing_userinfo", "The environment has no zero_downtime_session_migration_url."),
    MigrateFromExternalUnexpectedResponse = (400, "migrate_from_external_unexpected_response", "The UserInfo endpoint did not say whose token it is."),
    MigrateFromExternalEmailDoesNotExist = (400, "migrate_from_external_email_does_not_exist", "No member of the organization has the address that the UserInfo endpoint says."),

    // Email templates
    EmailTemplateNotFound = (404, "email_template_not_found", "There is no such email template in this project."),
    DuplicateEmailTemplateVanityId = (400, "duplicate_email_template_vanity_id", "Another email template of this project has that template_id."),
    InvalidEmailTemplateContent = (400, "invalid_email_template_content", "The content of the email template is not allowed."),
    InvalidEmailTemplateParameters = (400, "invalid_email_template_parameters", "The parameters of the email template are not valid."),
    TooManyEmailTemplates = (400, "too_many_email_templates", "The project has as many email templates as it can hold. Delete one first."),
    CannotDeleteDefaultEmailTemplate = (400, "cannot_delete_default_email_template", "The email template is a default. Choose another default first."),

    // Impersonation
    InvalidImpersonationReason = (400, "invalid_impersonation_reason", "Say why, in at most 512 characters."),
    MemberImpersonationNotAllowed = (400, "member_impersonation_not_allowed", "The member cannot be impersonated: impersonation must be enabled for the environment, and the member must be active."),
    UnableToAuthImpersonationToken = (401, "unable_to_auth_impersonation_token", "The impersonation token is unknown, was used, or has expired. Ask for a new one."),
    SessionNotMutable = (400, "session_not_mutable", "An operator acts in the member's place in this session. It cannot be extended or changed."),

    // The management API
    InvalidProjectName = (400, "invalid_project_name", "The name must have 1 to 128 characters, none of them a control character."),
    TooManyProjects = (400, "too_many_projects", "The server has as many projects as it can hold. Delete one first."),
    TooManySecrets = (400, "too_many_secrets", "The environment has as many secrets as it can hold. Delete one first."),
    InvalidSecretId = (400, "invalid_secret_id", "The secret id is not well formed."),
    SecretNotFound = (404, "secret_not_found", "There is no such secret in this environment."),
    TooManyPublicTokens = (400, "too_many_public_tokens", "The environment has as many public tokens as it can hold. Delete one first."),
    UnableToDeleteLastPublicToken = (400, "unable_to_delete_last_public_token", "The last public token cannot be deleted. Create another one first."),
    RedirectUrlNotFound = (404, "redirect_url_not_found", "The URL is not one of the environment's redirect URLs."),
    TooManyRedirectUrls = (400, "too_many_redirect_urls", "The environment has as many redirect URLs as it can hold. Delete one first."),
    InvalidRedirectUrlType = (400, "invalid_redirect_url_type", "The type must be LOGIN, SIGNUP, INVITE, RESET_PASSWORD or DISCOVERY."),
    InvalidUserLockThreshold = (400, "invalid_user_lock_threshold", "user_lock_threshold must be from 1 to 100."),
    InvalidUserLockTtl = (400, "invalid_user_lock_ttl", "user_lock_ttl must be from 300 to 604800 seconds."),
    CountryCodeAllowlistEmpty = (400, "country_code_allowlist_empty", "Name at least one country."),
    CountryCodeAllowlistInvalid = (400, "country_code_allowlist_invalid_country_codes", "Countries are ISO 3166-1 codes of two capital letters, such as US."),
    CountryCodeAllowlistB2bWhatsapp = (400, "country_code_allowlist_b2b_whatsapp_not_supported", "Projects with organizations send no messages by WhatsApp."),
    InvalidRoleForVertical = (400, "invalid_role_for_vertical", "stytch_user is the default role of CONSUMER projects, stytch_member and stytch_admin are those of B2B projects."),
    BadVerticalForSdk = (400, "bad_vertical_for_stytch_sdk", "The SDK's configuration is for projects of the other vertical."),
    EndpointNotAuthorizedForSdk = (401, "endpoint_not_authorized_for_sdk", "The project's SDK configuration does not allow browsers to call this endpoint."),
    InvalidB2bEndpoint = (400, "invalid_b2b_endpoint", "The project is a CONSUMER project, for which this server answers no calls."),
    JwtTemplateNotFound = (404, "jwt_template_not_found", "The template must be SESSION or M2M."),

    // OAuth endpoints; the names are those of RFC 6749 §5.2
    InvalidRequest = (400, "invalid_request", "The request is not valid."),
    InvalidClient = (401, "invalid_client", "The client id and secret are not those of an active client."),
    UnauthorizedClient = (400, "unauthorized_client", "The client may not use that grant."),
    UnsupportedGrantType = (400, "unsupported_grant_type", "grant_type must be client_credentials."),
    InvalidScope = (400, "invalid_scope", "The client does not have that scope."),
}

impl ErrorType {
    /// The catalogue row with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// This error with a text that says more exactly what was wrong.
    pub fn with_message(self, message: impl Into<String>) -> Error {
        Error { message: Some(message.into()), ..Error::from(self) }
    }
}

/// A refusal or failure as a caller sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Error {
    /// Which row of the catalogue.
    pub kind: ErrorType,
    /// A more exact text than the catalogue's, still safe to show to the caller.
    pub message: Option<String>,
    /// Machine-readable details, sent as `error_details`.
    pub details: Option<Map<String, Value>>,
    /// After how many seconds it is worth trying again, sent as `Retry-After`.
    pub retry_after_seconds: Option<u32>,
    /// The failure behind an internal error, for the log only; never sent.
    pub source: Option<String>,
}

impl Error {
    /// A failure that is not the caller's: the text goes to the log, the caller sees `internal_server_error`.
    pub fn internal(source: impl std::fmt::Display) -> Self {
        Error { source: Some(source.to_string()), ..ErrorType::InternalServerError.into() }
    }

    /// The text that the caller sees.
    pub fn text(&self) -> &str {
        self.message.as_deref().unwrap_or(self.kind.text())
    }
}

impl From<ErrorType> for Error {
    fn from(kind: ErrorType) -> Self {
        Error { kind, message: None, details: None, retry_after_seconds: None, source: None }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.kind.name(), self.text())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_lower_snake_case() {
        let mut seen = HashSet::new();
        for kind in ErrorType::ALL {
            assert!(seen.insert(kind.name()), "{} twice", kind.name());
            assert!(kind.name().bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit()));
            assert!((400..=599).contains(&kind.status()));
            assert_eq!(ErrorType::parse(kind.name()), Some(*kind));
        }
    }

    #[test]
    fn the_source_of_a_failure_is_not_shown() {
        let error = Error::internal("relation members does not exist");
        assert!(!error.to_string().contains("members"));
    }
}
