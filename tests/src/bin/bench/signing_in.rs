//! What signing in and being known costs.

use std::time::{Duration, Instant};

use api::{
    app::App,
    graphql::Gateway,
    party::{
        self,
        ops::sessions::{self, Device},
    },
    platform::{auth::Caller, error::Error, meter::Meter},
    zone,
};
use async_graphql::Request;
use entities::values::Locale;

use super::{Failure, timed, told};

const PERSON: &str = "owner@hehuang-carpet.demo.chama.example";

/// Sign-ins, then the cost of a token on each request.
pub(crate) async fn signing_in(app: &App) -> Result<(), Failure> {
    zone::load_people(app, zone::DEMO_PEOPLE, zone::DEMO_PASSWORD).await.map_err(|e| told(&e))?;
    println!("\n{:<44} {:>10} {:>10} {:>5}", "signing in, one at a time", "p50 us", "p99 us", "SQL");
    let ways = [
        ("right name, right password", PERSON, zone::DEMO_PASSWORD),
        ("right name, wrong password", PERSON, "a wrong password"),
        ("a name that nobody has", "nobody@demo.chama.example", "a wrong password"),
    ];
    // In turns, so that what else the machine does meets each of them alike.
    let mut taken = [const { Vec::new() }; 3];
    let mut statements = [0; 3];
    for _ in 0..100 {
        for (n, (_, name, password)) in ways.iter().enumerate() {
            let (meter, begun) = (Meter::default(), Instant::now());
            match meter.measure(sessions::sign_in(app, name, password, &Device::default())).await {
                Ok(_) | Err(Error::Refused(_)) => {}
                Err(error) => return Err(told(&error)),
            }
            taken[n].push(begun.elapsed());
            statements[n] = meter.statements();
            // Being locked out answers at once; it is not what is measured here.
            forget_failures(app).await?;
        }
    }
    let mut medians = Vec::new();
    for ((times, statements), (what, ..)) in taken.iter_mut().zip(statements).zip(ways) {
        times.sort_unstable();
        medians.push(times[50]);
        println!("{what:<44} {:>10} {:>10} {statements:>5}", times[50].as_micros(), times[98].as_micros());
    }
    let percent = |a: Duration, b: Duration| a.as_micros() * 100 / b.as_micros().max(1);
    println!("{:<44} {:>9}%", "an unknown name against a wrong password", percent(medians[2], medians[1]));
    throughput(app).await?;
    known(app).await
}

async fn forget_failures(app: &App) -> Result<(), Failure> {
    use sea_orm::EntityTrait;
    entities::party::sign_in_failure::Entity::delete_many().exec(app.db().writer()).await?;
    Ok(())
}

/// Sign-ins of many people at once.
async fn throughput(app: &App) -> Result<(), Failure> {
    const AT_ONCE: usize = 16;
    const EACH: usize = 8;
    let people: Vec<String> =
        zone::DEMO_PEOPLE.split('"').filter(|text| text.contains('@')).map(str::to_owned).collect();
    let begun = Instant::now();
    let tasks: Vec<_> = (0..AT_ONCE)
        .map(|n| {
            // Of different people: attempts with one name take turns.
            let (app, name) = (app.clone(), people[n % people.len()].clone());
            tokio::spawn(async move {
                for _ in 0..EACH {
                    sessions::sign_in(&app, &name, zone::DEMO_PASSWORD, &Device::default()).await?;
                }
                Ok::<_, Error>(())
            })
        })
        .collect();
    for task in tasks {
        task.await?.map_err(|e| told(&e))?;
    }
    let done = AT_ONCE * EACH;
    let rate = done as u128 * 1_000_000 / begun.elapsed().as_micros().max(1);
    println!("{:<44} {rate:>10} a second, {AT_ONCE} at once", "sign-ins");
    Ok(())
}

/// The same small query by nobody, by someone whose token was just used, and by someone whose token is new.
async fn known(app: &App) -> Result<(), Failure> {
    let gateway = Gateway::new(app.clone());
    let organisation =
        party::ops::organisation_by_slug(app.db().read(), "hehuang-carpet").await.map_err(|e| told(&e))?;
    let device = Device { organisation: organisation.map(|o| o.id), ..Device::default() };
    let tokens = sessions::sign_in(app, PERSON, zone::DEMO_PASSWORD, &device).await.map_err(|e| told(&e))?;
    let token = tokens.access.token;
    println!("\n{:<44} {:>10} {:>10} {:>5}", "{ viewer { standing } }", "p50 us", "p99 us", "SQL");
    let mut medians = Vec::new();
    for (what, signed_in, forget) in [
        ("by nobody", false, false),
        ("with a token known for a moment", true, false),
        ("with a token not yet known", true, true),
    ] {
        let mut statements = 0;
        let times = timed(1_000, async || {
            if forget {
                app.gate().forget();
            }
            let meter = Meter::default();
            let answered = meter.measure(async {
                let caller = if signed_in {
                    app.gate().caller(app.db(), &token, None, app.clock().now()).await.map_err(|e| told(&e))?
                } else {
                    Caller::anonymous(None)
                };
                let mut request = Request::new("{ viewer { standing } }");
                let operation = Gateway::prepare(&mut request).map_err(|r| format!("{:?}", r.errors))?;
                let response = gateway.execute(request, &operation, caller, Locale::en()).await;
                if response.errors.is_empty() { Ok(()) } else { Err(Failure::from(format!("{:?}", response.errors))) }
            });
            answered.await?;
            statements = meter.statements();
            Ok(())
        })
        .await?;
        medians.push(times.0);
        println!("{what:<44} {:>10} {:>10} {statements:>5}", times.0.as_micros(), times.1.as_micros());
    }
    let more = |n: usize| medians[n].saturating_sub(medians[0]).as_nanos() / 100;
    println!(
        "{:<44} {:>6}.{} us known, {}.{} us not yet known",
        "the cost of authentication on a request",
        more(1) / 10,
        more(1) % 10,
        more(2) / 10,
        more(2) % 10
    );
    Ok(())
}
