"""What time does. The server's clock moves, the SDK's does not: a JWT made afterwards is of the future to it."""

from conftest import refuses, unique_email


def test_a_jwt_goes_back_to_the_server_until_the_session_ends(actors):
    sessions = actors.stytch.sessions
    auth = actors.signed_in(session_duration_minutes=60)
    assert sessions.authenticate_jwt_local(auth.session_jwt) is not None

    actors.server.advance_clock(6 * 60)
    renewed = sessions.authenticate_jwt(auth.session_jwt, max_token_age_seconds=0)
    assert renewed.request_id
    assert renewed.session_jwt != auth.session_jwt
    assert sessions.authenticate_jwt_local(renewed.session_jwt) is None, "not valid yet by the SDK's clock"
    assert sessions.authenticate_jwt(renewed.session_jwt).request_id, "so the server is asked"

    actors.server.advance_clock(55 * 60)
    for jwt in (auth.session_jwt, renewed.session_jwt):
        with refuses(404, "session_not_found"):
            sessions.authenticate_jwt(jwt, max_token_age_seconds=0)


def test_expired_codes_are_not_wrong_codes(actors):
    email = unique_email()
    otp = actors.stytch.otps.email.discovery
    otp.send(email)
    code = actors.server.last_message(email)["code"]
    actors.server.advance_clock(10 * 60)
    with refuses(401, "unable_to_auth_otp_code"):
        otp.authenticate(email, code)
