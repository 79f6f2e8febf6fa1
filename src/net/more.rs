//! What only some clients remember: cookies, and what their dialect keeps. Boxed in
//! [`Memory`](super::Memory), since most clients have nothing of it.

use std::fmt;

/// Most cookies of a client; the oldest goes first.
const MOST_COOKIES: usize = 50;
/// Longest name and value of a cookie together, as browsers have it.
const LONGEST_COOKIE: usize = 4096;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct More {
    /// The cookies; `None`: the client keeps none.
    pub cookies: Option<Cookies>,
    /// Values that a session left for the next, each with its number.
    pub kept: Vec<(u16, Vec<u8>)>,
    /// How many sessions there have been.
    pub sessions: u64,
    /// How many of them in a row ended to be opened again, without a message or readiness between.
    pub agains: u32,
}

/// The cookies of one client, for one host.
#[derive(Clone, Default)]
pub struct Cookies(Vec<Cookie>);

#[derive(Clone)]
struct Cookie {
    name: String,
    value: String,
    path: String,
}

impl fmt::Debug for Cookies {
    /// Names only: values are somebody's login.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|c| &c.name)).finish()
    }
}

impl Cookies {
    /// Keeps a cookie, in place of one with the same name and path. One that is too long is left out.
    pub fn set(&mut self, name: &str, value: &str, path: &str) {
        self.remove(name, path);
        if name.len() + value.len() > LONGEST_COOKIE || path.len() > LONGEST_COOKIE {
            return;
        }
        if self.0.len() == MOST_COOKIES {
            self.0.remove(0);
        }
        self.0.push(Cookie { name: name.to_owned(), value: value.to_owned(), path: path.to_owned() });
    }

    /// Forgets a cookie.
    pub fn remove(&mut self, name: &str, path: &str) {
        self.0.retain(|c| c.name != name || c.path != path);
    }

    /// `a=1; b=2`: those for a request to this path; empty when there are none.
    pub fn line(&self, path: &str) -> String {
        let path = path.split('?').next().unwrap_or_default();
        let fits = |c: &&Cookie| {
            let rest = path.strip_prefix(c.path.as_str());
            rest.is_some_and(|r| r.is_empty() || c.path.ends_with('/') || r.starts_with('/'))
        };
        let pairs: Vec<String> =
            self.0.iter().filter(fits).map(|c| format!("{}={}", c.name, c.value)).collect();
        pairs.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_replaced_forgotten_and_sent_where_it_belongs() {
        let mut jar = Cookies::default();
        jar.set("a", "1", "/");
        jar.set("b", "2", "/hub");
        jar.set("a", "3", "/");
        assert_eq!(jar.line("/hub?x=/"), "b=2; a=3");
        assert_eq!(jar.line("/hub/y"), "b=2; a=3");
        assert_eq!(jar.line("/hubble"), "a=3");
        jar.remove("a", "/");
        assert_eq!(jar.line("/"), "");
        assert!(!format!("{jar:?}").contains('2'));
    }

    #[test]
    fn a_jar_is_bounded() {
        let mut jar = Cookies::default();
        for n in 0..100 {
            jar.set(&n.to_string(), "x", "/");
        }
        jar.set("long", &"x".repeat(5_000), "/");
        let line = jar.line("/");
        assert_eq!(line.split("; ").count(), MOST_COOKIES);
        assert!(line.contains("99=x") && !line.contains("long"));
    }
}
