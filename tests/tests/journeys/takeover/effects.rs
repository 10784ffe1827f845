//! The operations, each with the effect that it has for an attacker.

pub(super) const GRAPHQL: &str = "
me -> done
user -> nothing
users -> done
sessions -> done
trustedDevices -> done
recentActivity -> done
passkeys -> done
user_login -> invalid_credentials
user_refresh -> invalid_token
user_password_reset_validate -> invalid_token
whoami -> done
staffUser -> not_found
staffUsers -> not_found
staffTrail -> not_found
staffOverview -> not_found
staffNetwork -> not_found
register -> done: adds GUARD, adds SESSION, adds USER, mails activation of another account to the thief
verifyAccount -> invalid_token
resendActivationEmail -> done: adds DECOY
updateAccount -> done: sets first_name, sets last_name
exportAccount -> invalid_password
archiveAccount -> invalid_password
deleteAccount -> invalid_password
sendSecondaryEmailActivation -> invalid_password
verifySecondaryEmail -> invalid_token
swapEmails -> invalid_password
removeSecondaryEmail -> invalid_password
cancelEmailChange -> invalid_token
restoreEmail -> invalid_token
sendPasswordResetEmail -> done: adds DECOY
passwordReset -> invalid_token
passwordSet -> invalid_token
passwordChange -> invalid_password
tokenAuth -> invalid
verifyToken -> done
refreshToken -> invalid_token
revokeToken -> invalid_token
endSession -> done: ends another session
endOtherSessions -> done: changes SESSION, sets epoch
logout -> done: ends its session
sendLoginEmail -> done: adds DECOY
loginByEmail -> invalid_token
showLoginCode -> invalid_token
completeLogin -> invalid_token
stepUp -> invalid
beginApp -> invalid_password
addApp -> invalid_token
removeApp -> no_second_factor
replaceRecoveryCodes -> no_second_factor
endTrustedDevice -> not_found
endTrustedDevices -> done
beginPasskey -> invalid_password
addPasskey -> invalid_passkey
renamePasskey -> not_found
removePasskey -> no_second_factor
beginPasskeyLogin -> done: adds CHALLENGE
passkeyLogin -> invalid_passkey
beginPasskeyStep -> invalid_token
completeLoginByPasskey -> invalid_token
beginStepUp -> no_second_factor
stepUpByPasskey -> no_second_factor
user_register -> password_too_short
user_complete_login -> invalid_token
user_send_login_email -> done: adds DECOY
user_login_by_email -> invalid_token
user_show_login_code -> invalid_token
user_change_password -> invalid_password
user_password_reset -> done: adds DECOY
user_password_reset_confirm -> invalid_token
hotdog -> done
createUser -> password_too_short
refreshAccessToken -> invalid_token
updateUser -> invalid_password
updateUser without a password -> reauthentication_required
updateUser without an address -> done: sets department, sets first_name, sets gender, sets last_name, sets position
staffInvite -> not_found
staffExportUser -> not_found
staffVerify -> not_found
staffSetRole -> not_found
staffBan -> not_found
staffLiftBan -> not_found
staffEndSession -> not_found
staffEndSessions -> not_found
staffExpirePassword -> not_found
staffSendActivation -> not_found
staffSendReset -> not_found
staffClearEmailStatus -> not_found
staffLiftLocks -> not_found
staffLiftNetwork -> not_found
staffRemoveSecondFactor -> not_found
staffKeepSecondFactor -> not_found
staffDelete -> not_found
";

pub(super) const REST: &str = "
POST /api/accounts/app/add/ -> 401
POST /api/accounts/app/begin/ -> 400
POST /api/accounts/app/remove/ -> 400
POST /api/accounts/export/ -> 400
POST /api/accounts/login/ -> 401
POST /api/accounts/login/email/ -> 200: adds DECOY
POST /api/accounts/login/email/code/ -> 401
POST /api/accounts/login/email/confirm/ -> 401
POST /api/accounts/login/passkey/ -> 400
POST /api/accounts/login/passkey/begin/ -> 200: adds CHALLENGE
POST /api/accounts/login/second-factor/ -> 401
POST /api/accounts/login/second-factor/passkey/ -> 401
POST /api/accounts/login/second-factor/passkey/begin/ -> 401
POST /api/accounts/logout/ -> 401
GET /api/accounts/me/ -> 200
PATCH /api/accounts/me/ -> 200: sets first_name, sets last_name
PUT /api/accounts/me/ -> 200: sets first_name, sets last_name
GET /api/accounts/passkeys/ -> 200
POST /api/accounts/passkeys/add/ -> 400
POST /api/accounts/passkeys/begin/ -> 400
POST /api/accounts/passkeys/remove/ -> 400
POST /api/accounts/passkeys/rename/ -> 404
POST /api/accounts/password/change/ -> 400
POST /api/accounts/password/reset/ -> 200: adds DECOY
POST /api/accounts/password/reset/confirm/ -> 400
POST /api/accounts/recovery-codes/replace/ -> 400
POST /api/accounts/send-otp/ -> 200: adds DECOY
POST /api/accounts/signup/ -> 400
POST /api/accounts/step-up/ -> 400
POST /api/accounts/step-up/passkey/ -> 400
POST /api/accounts/step-up/passkey/begin/ -> 400
POST /api/accounts/token/refresh/ -> 401
POST /api/accounts/token/verify/ -> 200
GET /api/accounts/trusted-devices/ -> 200
POST /api/accounts/trusted-devices/end-all/ -> 204
POST /api/accounts/trusted-devices/end/ -> 404
POST /api/accounts/verify-email/ -> 400
GET /api/openapi.json -> 200
POST /users/login/ -> 401
POST /users/login/email/ -> 200: adds DECOY
POST /users/login/email/code/ -> 401
POST /users/login/email/confirm/ -> 401
POST /users/login/second-factor/ -> 401
POST /users/reset_password/ -> 200: adds DECOY
POST /users/reset_password/confirm/ -> 404
POST /users/reset_password/validate_token/ -> 404
POST /users/token/refresh/ -> 401
PATCH /users/user/change_password/ -> 400
PUT /users/user/change_password/ -> 400
POST /users/user/register/ -> 400
";

pub(super) const ACTIONS: &str = "
user_register -> 400
user_login -> 401
user_complete_login -> 401
user_send_login_email -> 200: adds DECOY
user_login_by_email -> 401
user_show_login_code -> 401
user_refresh -> 401
user_change_password -> 400
user_password_reset -> 200: adds DECOY
user_password_reset_validate -> 404
user_password_reset_confirm -> 404
hotdog -> 200
";
