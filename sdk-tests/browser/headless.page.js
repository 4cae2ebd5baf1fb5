// The page of headless.test.mjs: the headless client as an application makes it, within reach of the test.
import { StytchB2BClient } from '@stytch/vanilla-js/b2b/headless';

const stytch = new StytchB2BClient(CONFIG.publicToken, CONFIG.options);
const sessions = [];
stytch.session.onChange((session) => sessions.push(session?.member_session_id ?? null));
Object.assign(window, { stytch, sessions });
