"""A second reckoning: derives losses, duplicates and order from the events of a run.

Usage: python3 events.py RESULTS_FOLDER

Reads events/run-N-worker-M.tsv of a folder that `pushbench run --trace-events` wrote, works out for
every client what it was owed and what it got, and holds that against the ledgers of summary.json.
Prints a table; exits 1 when anything differs or is missing, 2 when there is nothing to check.

Written from docs/events.md, docs/results.md and docs/design.md ("How loss is told"). It shares nothing
with the program, keeps every single message, and is as simple as it can be for that.
"""

import json
import pathlib
import re
import sys
from collections import Counter

FOREVER = float("inf")
SCHEMA = "# pushbench/events/1"
LEDGER = (
    "expected", "delivered", "lost", "lost_at_disconnect", "conflated", "in_flight", "missed", "replayed",
    "unattached", "early", "unacknowledged", "duplicate", "reordered", "redundant",
)


class Broken(Exception):
    """The files are not what they should be."""


class Session:
    """A time in which a client could receive."""

    def __init__(self, asked):
        self.asked = asked
        self.since = FOREVER  # until it is known to stand
        self.until = FOREVER
        self.answered = False
        self.brought = False
        self.on_purpose = False  # its client left
        self.highest = -1  # sequence that its client had by its end


class Person:
    """One client; one that left for good is followed by another one of its number."""

    def __init__(self, is_first):
        self.is_first = is_first
        self.sessions = []
        self.open = None
        self.leaving_since = FOREVER
        self.copies = []  # (at, sequence, due) in the order in which they came
        self.had = set()
        self.highest = -1

    def ask(self, at, settle):
        if self.open is None:
            self.open = Session(at)
            self.sessions.append(self.open)
        if settle is not None:
            # A held request that has not failed: the server has taken it by then.
            self.open.since = min(self.open.since, at + settle)

    def can_receive(self, since):
        if self.open is None:
            raise Broken("a client can receive though it never asked for it")
        self.open.since = min(self.open.since, since)
        self.open.answered = True

    def receive(self, at, sequence, due):
        if due >= self.leaving_since:
            return  # due after it said that it leaves: none of its
        if self.open is not None and sequence not in self.had:
            self.open.brought = True
        self.copies.append((at, sequence, due))
        self.had.add(sequence)
        self.highest = max(self.highest, sequence)

    def over(self, at, how):
        session, self.open = self.open, None
        if session is None:
            return
        if how == "lost" and not (session.answered or session.brought):
            self.sessions.pop()  # never answered: it did not take place
            return
        session.until = at
        session.since = min(session.since, at)
        session.asked = min(session.asked, at)
        session.highest = self.highest
        session.on_purpose = how == "left"

    def unsubscribe(self, at, how):
        if how in ("lost", "ended"):
            self.over(at, how)
        elif how == "left":
            self.over(at, how)
            self.leaving_since = at
        elif how in ("away", "gone"):
            if self.sessions and self.sessions[-1].until != FOREVER:
                self.sessions[-1].highest = self.highest
            self.leaving_since = FOREVER
        else:
            raise Broken(f"a session is over {how!r}")

    def place(self, due):
        """Where an instant lies in the life of this client."""
        for session in self.sessions:
            if session.since <= due < session.until:
                return "here"
            if session.asked <= due < session.since:
                return "early"
        if not self.sessions or due < self.sessions[0].asked:
            return "early" if self.is_first else "history"
        return "between"


class Client:
    """All that have had one number."""

    def __init__(self, group, channel):
        self.group = group
        self.channel = channel
        self.people = [Person(True)]

    def now(self):
        return self.people[-1]

    def gone(self):
        # Who never had a session leaves no trace.
        self.people.append(Person(all(not p.sessions for p in self.people)))


class Run:
    """What the files of one run hold."""

    def __init__(self):
        self.head = {}
        self.groups = []
        self.clients = {}
        self.due = {}  # channel -> sequence -> due
        self.good = set()  # (channel, sequence)
        self.answers = Counter()
        self.measure = None
        self.drained = True
        self.strange = Counter()
        self.seen_workers = set()
        self.stamps = []  # held against what was published when all files are read

    def read(self, path):
        with path.open(encoding="utf-8", newline="\n") as lines:
            if next(lines, "").rstrip("\n") != SCHEMA:
                raise Broken(f"{path.name}: does not begin with {SCHEMA!r}")
            last = None
            for number, line in enumerate(lines, 2):
                words = line.rstrip("\n").split("\t")
                try:
                    self.line(words)
                except (Broken, KeyError, ValueError, IndexError) as error:
                    raise Broken(f"{path.name}, line {number}: {error!r} in {line!r}") from error
                last = words[0]
            if last != "end":
                raise Broken(f"{path.name}: ends without its end")

    def line(self, words):
        what = words[0]
        if what.startswith("# "):
            self.heading(what[2:], words[1:])
        elif what == "recv":
            at, client, channel, sequence, due = map(int, words[1:])
            self.received(at, self.clients[client], channel, sequence, due)
        elif what == "pub":
            _, due, channel, sequence = map(int, words[1:])
            if self.due.setdefault(channel, {}).setdefault(sequence, due) != due:
                raise Broken("published twice")
        elif what == "ack":
            channel, sequence, outcome = int(words[2]), int(words[3]), words[4]
            self.answers[channel, sequence] += 1
            if outcome == "ok":
                self.good.add((channel, sequence))
        elif what == "ask":
            client = self.clients[int(words[2])]
            client.now().ask(int(words[1]), self.groups[client.group]["settle"])
        elif what == "sub":
            self.clients[int(words[2])].now().can_receive(int(words[3]))
        elif what == "unsub":
            client = self.clients[int(words[2])]
            client.now().unsubscribe(int(words[1]), words[3])
            if words[3] == "gone":
                client.gone()
        elif what == "client":
            number, group, channel = map(int, words[1:])
            if number in self.clients:
                raise Broken("a second client of that number")
            self.clients[number] = Client(group, channel)
        elif what != "end":
            raise Broken("unknown event")

    def heading(self, name, values):
        if name == "measure":
            self.measure = (int(values[0]), int(values[1]))
            self.drained = values[3].strip() == "yes"
        elif name == "worker":
            self.seen_workers.add(int(values[0]))
            self.head["workers"] = int(values[2])
        elif name == "group":
            index, title, transport, settle, history = values
            if int(index) == len(self.groups):
                settle = None if settle == "-" else int(settle)
                self.groups.append({"settle": settle, "latest": history == "latest", "name": title})
        else:
            self.head[name] = values[0]

    def received(self, at, client, channel, sequence, due):
        if channel != client.channel:
            self.strange["of another channel"] += 1
            return
        self.stamps.append((channel, sequence, due))
        client.now().receive(at, sequence, due)

    def in_measure(self, at):
        return self.measure[0] <= at < self.measure[1]

    def check_stamps(self):
        """Everything received was published, with the due time that its stamp tells."""
        for channel, sequence, due in self.stamps:
            if self.due.get(channel, {}).get(sequence) != due:
                self.strange["received and never published"] += 1
        if any(n > 1 for n in self.answers.values()):
            self.strange["answered more than once"] += sum(n > 1 for n in self.answers.values())

    def account(self):
        """The ledger of each group, and what was published."""
        feeds = {}
        published = failed = 0
        for channel, dues in self.due.items():
            measured = [(due, sequence) for sequence, due in dues.items() if self.in_measure(due)]
            acknowledged = [m for m in measured if (channel, m[1]) in self.good]
            feeds[channel] = sorted(acknowledged)
            published += len(acknowledged)
            failed += len(measured) - len(acknowledged)
        ledgers = [Counter() for _ in self.groups]
        for client in self.clients.values():
            group = self.groups[client.group]
            account = self.owed(client, feeds.get(client.channel, []), group["latest"])
            account.update(self.got(client, group["latest"]))
            ledgers[client.group].update(account)
        return published, failed, ledgers

    def owed(self, client, feed, latest):
        """What one client was owed of the acknowledged messages, and what became of each."""
        account = Counter()
        for due, sequence in feed:
            account[self.fate(client, due, sequence, latest)] += 1
        account["expected"] = sum(account[k] for k in ("delivered", "lost", "conflated", "in_flight", "cut"))
        account["lost"] += account["cut"]
        account["lost_at_disconnect"] = account.pop("cut", 0)
        return account

    def fate(self, client, due, sequence, latest):
        for person in client.people:
            came = sequence in person.had
            before = None
            for session in person.sessions:
                if before is not None and before.until <= due < session.asked:
                    return "replayed" if came else "missed"
                if session.since <= due < session.until:
                    return "delivered" if came else self.missing(session, sequence, latest)
                before = session
        return "unattached"

    def missing(self, session, sequence, latest):
        if latest:
            return "conflated"
        if not self.drained:
            return "in_flight"
        if session.until != FOREVER and sequence > session.highest:
            return "in_flight" if session.on_purpose else "cut"
        return "lost"

    def got(self, client, latest):
        """What one client received, copy by copy: first ones by when they were due, others by when they came."""
        account = Counter()
        for person in client.people:
            had, highest = set(), -1
            for at, sequence, due in person.copies:
                place = person.place(due)
                if place == "history":
                    account["redundant"] += self.in_measure(at)
                elif sequence in had:
                    account["redundant" if latest else "duplicate"] += self.in_measure(at)
                else:
                    had.add(sequence)
                    if self.in_measure(due):
                        account["reordered"] += sequence < highest
                        account["early"] += place == "early"
                        here = place == "here"
                        account["unacknowledged"] += here and (client.channel, sequence) not in self.good
                    highest = max(highest, sequence)
        return account


def files_of(folder):
    runs = {}
    for path in sorted((folder / "events").glob("run-*-worker-*.tsv")):
        found = re.fullmatch(r"run-(\d+)-worker-(\d+)\.tsv", path.name)
        runs.setdefault(int(found[1]), []).append(path)
    return runs


def compare(run, told):
    """Rows: what, derived, told."""
    run.check_stamps()
    published, failed, ledgers = run.account()
    sum_of_all = Counter()
    for ledger in ledgers:
        sum_of_all.update(ledger)
    rows = [
        ("clients", len(run.clients), told["clients"]),
        ("published", published, told["published"]),
        ("publish_failed", failed, told["publish_failed"]),
    ]
    rows += [(key, sum_of_all[key], told["ledger"][key]) for key in LEDGER]
    timed = sum_of_all["delivered"] + sum_of_all["unacknowledged"]
    rows.append(("delivery times", timed, told["delivery"]["count"]))
    for index, group in enumerate(told.get("groups", [])):
        ledger = group["ledger"]
        rows += [(f"{group['name']}: {key}", ledgers[index][key], ledger[key]) for key in LEDGER]
    return rows + [(what, count, 0) for what, count in run.strange.items()]


def check(number, paths, told):
    """Prints one run; whether everything agrees. None: it has no messages of its own to check."""
    run = Run()
    for path in paths:
        run.read(path)
    missing = set(range(run.head.get("workers", 1))) - run.seen_workers
    if missing:
        raise Broken(f"run {number}: no file of worker {sorted(missing)}")
    if run.head["publisher"] in ("none", "target"):
        print(f"run {number}, {told['case']}: publishes nothing itself, so there is nothing to check")
        return None
    rows = compare(run, told)
    different = [row for row in rows if row[1] != row[2]]
    copies = sum(len(p.copies) for c in run.clients.values() for p in c.people)
    sessions = sum(len(p.sessions) for c in run.clients.values() for p in c.people)
    print(f"run {number}, {told['case']}: {copies} received copies, {sessions} sessions")
    for what, derived, said in rows:
        if derived or said:
            print(f"  {what:<34}{derived:>12}{said:>12}{'' if derived == said else '   DIFFERS'}")
    return not different


def main(folder):
    folder = pathlib.Path(folder)
    runs = json.loads((folder / "summary.json").read_text(encoding="utf-8"))["runs"]
    files = files_of(folder)
    if not files:
        print(f"{folder} holds no events: run with --trace-events")
        return 2
    print(f"{'':<36}{'derived':>12}{'told':>12}")
    verdicts = []
    for number, told in enumerate(runs):
        try:
            if number not in files:
                raise Broken(f"run {number}: no events")
            verdicts.append(check(number, files[number], told))
        except Broken as error:
            print(error)
            verdicts.append(False)
    if False in verdicts:
        print("NOT the same")
        return 1
    if True not in verdicts:
        return 2
    print("the same")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
