//! The first page: the numbers of the last days, and a search.

use accounts::operations::staff::{Day, MOST_COUNTED, Overview};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};

use super::Console;

/// The height of a chart, in pixels.
const HEIGHT: u32 = 64;

/// The first page, or the form that opens the console.
pub(super) async fn show(console: Console) -> Response {
    if console.token.is_none() {
        return console.log_in_form(StatusCode::OK, None, "");
    }
    let staff = match console.visitor().await {
        Ok(staff) => staff,
        Err(answer) => return answer,
    };
    let overview = match staff.admin() {
        Ok(admin) => admin.overview().await,
        Err(error) => return staff.refused(&error),
    };
    match overview {
        Ok(Overview { days, waiting_mails }) => {
            let charts = vec![
                chart("sign_ups", &days, |day| day.sign_ups),
                chart("log_ins", &days, |day| day.log_ins),
                chart("failures", &days, |day| day.failures),
                chart("locks", &days, |day| day.locks),
                chart("failed_mails", &days, |day| day.failed_mails),
            ];
            let shown = context! { charts, waiting_mails, height => HEIGHT, q => "" };
            staff.page(StatusCode::OK, "console_home.html", shown)
        }
        Err(error) => staff.refused(&error),
    }
}

/// A chart: a bar for each day, as high as its number.
fn chart(name: &str, days: &[Day], number: impl Fn(&Day) -> u32) -> Value {
    let highest = days.iter().map(&number).max().unwrap_or_default().max(1);
    let bars = days.iter().enumerate().map(|(at, day)| {
        let count = number(day);
        // A number above 0 has a visible bar.
        let height = (count * HEIGHT).div_ceil(highest);
        context! {
            x => at * 40,
            y => HEIGHT - height,
            height,
            count => written(count),
            day => day.date.strftime("%m-%d").to_string(),
        }
    });
    let today = days.last().map(&number).unwrap_or_default();
    let bars: Vec<Value> = bars.collect();
    context! { name, bars, today => written(today), width => days.len() * 40 }
}

fn written(count: u32) -> String {
    if count >= MOST_COUNTED { format!("{MOST_COUNTED}+") } else { count.to_string() }
}
