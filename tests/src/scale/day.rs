//! The simulated day: how many of each operation are expected in each second.

use std::collections::BTreeMap;

use super::arrival::Arrival;

/// Seconds of a day.
const DAY: u32 = 86_400;
/// The hours that are simulated. In all others, each rate is lower.
pub(super) const HOURS: [u32; 6] = [9, 12, 13, 16, 19, 20];
const HOUR: f64 = 3_600.0;
/// Log-ins of a user in a month, as in `docs/costs.md`.
const LOG_INS: f64 = 4.0;
/// Queries of a user in a month.
const QUERIES: f64 = 200.0;
/// Refreshes of a user in a month.
const REFRESHES: f64 = 40.0;
/// The share of the users who are new in a month.
const NEW: f64 = 0.1;
/// Which part of the sessions ends by a log-out; the others expire.
const LOGGED_OUT: f64 = 0.5;
/// The load of the busiest day of the month, as a multiple of the average day.
const BUSY: f64 = 1.5;
/// The difference between the busiest moment and the average of the day, as a share of the average. The quietest moment
/// is lower by the same difference.
const WAVE: f64 = 0.8;
/// The busiest moment of the day.
const EVENING: f64 = 20.0 * HOUR;

/// When a tenth of the day's log-ins come at once.
pub(super) const RUSH: (f64, f64) = (9.0 * HOUR, 300.0);
/// Which part of the day's log-ins that is.
const RUSH_SHARE: f64 = 0.1;

/// When the operator mails all users.
pub(super) const CAMPAIGN: f64 = 12.0 * HOUR;
/// Which part of the users follows the mail.
const CLICKS: f64 = 0.02;
/// The seconds in which half of the clicks come.
const HALF_LIFE: f64 = 600.0;
/// Which part of them is not logged in any more.
const LOGGED_OFF: f64 = 0.5;
/// Which part of those has forgotten the password.
const FORGOTTEN: f64 = 0.1;
/// Queries of a user after a log-in of the rush, or after a click of the campaign.
const AFTER: f64 = 5.0;

/// When the attack begins and how long it takes.
pub(super) const ATTACK: (f64, f64) = (16.0 * HOUR, HOUR);
/// Requests a second of each of its three parts.
pub(super) const ATTACK_RATE: f64 = 1_000.0;
/// Networks of the attack.
pub(super) const NETWORKS: f64 = 10_000.0;
/// Guesses that a network has before it is locked: at so many different accounts.
const GUESSES: f64 = 15.0;

/// A day of that many monthly users.
#[derive(Clone, Copy, Debug)]
pub(super) struct Day {
    pub(super) users: f64,
}

/// How many of each are expected in a second.
pub(super) type Rates = BTreeMap<Arrival, f64>;

/// What happens at a second, beside the everyday load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Happening {
    Everyday,
    Rush,
    Campaign,
    Attack,
}

impl Happening {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Everyday => "the evening",
            Self::Rush => "the rush at 9:00",
            Self::Campaign => "the campaign at 12:00",
            Self::Attack => "the attack at 16:00",
        }
    }

    pub(super) fn at(second: u32) -> Self {
        let at = f64::from(second);
        if (RUSH.0..RUSH.0 + RUSH.1).contains(&at) {
            Self::Rush
        } else if (CAMPAIGN..CAMPAIGN + 2.0 * HOUR).contains(&at) {
            Self::Campaign
        } else if (ATTACK.0..ATTACK.0 + ATTACK.1).contains(&at) {
            Self::Attack
        } else {
            Self::Everyday
        }
    }
}

/// The seconds that are simulated.
pub(super) fn seconds() -> impl Iterator<Item = u32> {
    HOURS.into_iter().flat_map(|hour| hour * 3_600..(hour + 1) * 3_600)
}

impl Day {
    /// What is expected in that second.
    pub(super) fn rates(self, second: u32) -> Rates {
        let at = f64::from(second);
        let mut rates = Rates::new();
        let mut add = |arrival, rate: f64| *rates.entry(arrival).or_insert(0.0) += rate;
        let each = self.users * BUSY / 30.0 / f64::from(DAY);
        let now = each * wave(at);
        for arrival in [Arrival::SignUp, Arrival::Mail, Arrival::Verify] {
            add(arrival, now * NEW);
        }
        add(Arrival::Query, now * QUERIES);
        add(Arrival::Refresh, now * REFRESHES);
        let mut log_ins = now * LOG_INS;
        let mut resets = 0.0;
        // A session expires at the time of day of its last refresh.
        let mut expired = now * LOG_INS * (1.0 - LOGGED_OUT);
        add(Arrival::LogOut, now * LOG_INS * LOGGED_OUT);
        if Happening::at(second) == Happening::Rush {
            let rush = each * f64::from(DAY) * LOG_INS * RUSH_SHARE / RUSH.1;
            log_ins += rush;
            add(Arrival::Query, rush * AFTER);
        }
        if at >= CAMPAIGN {
            let left = (-std::f64::consts::LN_2 * (at - CAMPAIGN) / HALF_LIFE).exp();
            let clicks = self.users * CLICKS * std::f64::consts::LN_2 / HALF_LIFE * left;
            log_ins += clicks * LOGGED_OFF;
            resets += clicks * LOGGED_OFF * FORGOTTEN;
            add(Arrival::Query, clicks * AFTER);
            // The sessions of the campaign a week ago.
            expired += clicks * LOGGED_OFF;
        }
        add(Arrival::LogIn, log_ins);
        add(Arrival::Sweep, expired);
        for arrival in [Arrival::RequestReset, Arrival::Mail, Arrival::Reset] {
            add(arrival, resets);
        }
        if Happening::at(second) == Happening::Attack {
            let since = at - ATTACK.0;
            let is_locked = since * ATTACK_RATE >= NETWORKS * GUESSES;
            let stuffing = if is_locked { Arrival::LockedGuess } else { Arrival::Guess };
            add(stuffing, ATTACK_RATE);
            if !is_locked {
                add(Arrival::LastGuess, ATTACK_RATE / GUESSES);
            }
            // At one account, which is locked after the first few.
            add(Arrival::LockedGuess, ATTACK_RATE);
            add(Arrival::LockedSignUp, ATTACK_RATE);
        }
        rates
    }
}

/// The load of a moment, compared to the average of the day: a triangle, highest in the evening.
fn wave(at: f64) -> f64 {
    let day = f64::from(DAY);
    let apart = (at - EVENING).abs();
    let apart = apart.min(day - apart) / (day / 2.0);
    1.0 + WAVE * (1.0 - 2.0 * apart)
}

/// The assumptions, for the document.
pub(super) fn assumptions() -> String {
    format!(
        "- **Normal use.** The month of [costs.md](costs.md#a-month-of-10000-users): {:.0} % of the users are new, and each \
         user logs in {LOG_INS} times, sends {QUERIES} queries and refreshes {REFRESHES} times. Half of the sessions end by \
         a log-out, and half expire. The day is the busiest of the month ({BUSY} times the average), and its evening has \
         {:.1} times the average of the day.\n\
         - **A rush at 9:00.** {:.0} % of the day's log-ins come within {:.0} minutes, each with {AFTER} queries.\n\
         - **A campaign at 12:00.** The operator mails all users. {:.0} % of the users follow the link in the mail, half of \
         them within {:.0} minutes. Half of the users who follow the link have to log in, and {:.0} % of these log-ins \
         begin with a password reset. Each user who follows the link sends {AFTER} queries. The operator mails each week, and a session expires after 7 days without a refresh. So the sessions of the last campaign expire during this one.\n\
         - **An attack at 16:00**, for an hour, and the same for each size: {} guesses a second at many accounts, as many at \
         one account, and as many sign-ups a second, from {} networks. Each network may guess at {GUESSES} accounts. Then its \
         guesses are [refused](security.md#limits-of-guessing), and so are all sign-ups beyond the limits.\n",
        NEW * 100.0,
        1.0 + WAVE,
        RUSH_SHARE * 100.0,
        RUSH.1 / 60.0,
        CLICKS * 100.0,
        HALF_LIFE / 60.0,
        FORGOTTEN * 100.0,
        super::document::grouped(ATTACK_RATE),
        super::document::grouped(NETWORKS),
    )
}
