"""Who is in the demo and what happened, as data. Days are relative to today: -30 is thirty days ago.

Amounts are cents, hours hundredths. Staff and portal users go by the first part of their address.
"""

from __future__ import annotations

from dataclasses import dataclass

ZONE = "America/Chicago"
FIRM = "Quillfeather & Larkspur LLP"
FOUNDED = -380
DETAILS = {
    "address": "12 Sample Row, Suite 400\nSpringfield, IL 62704",
    "email": "billing@example.com",
    "phone": "(555) 010-0142",
    "invoice_note": "Thank you. Questions about a line? Call us; that call is free.",
    "law_firm_id": "00-0000042",
}

# name, title, roles, hourly rate
NO_FACTOR = "This is a demo: everybody signs in with the one password that the demo tells."

STAFF = {
    "carol": ("Carol Quillfeather", "Partner", ["administrator", "attorney"], 42_500),
    "dan": ("Dan Wrenfield", "Associate", ["attorney"], 31_000),
    "gwen": ("Gwen Harrowgate", "Billing manager", ["biller"], 12_000),
    "erin": ("Erin Moss", "Bookkeeper", ["bookkeeper"], 14_500),
}

# How e-billing systems sort them
CLASSES = {"carol": "PT", "dan": "AS", "gwen": "OT", "erin": "OT"}

# name, and how many days ago they were invited; those who registered did so the day after
PORTAL_USERS = {
    "alice": ("Alice Vasquez-Thornbury", -358),
    "bob": ("Bob Placeholder", -300),
    "harriet": ("Harriet Pemberwick", -190),
    "idris": ("Idris Castellane", -160),
    "odalys": ("Odalys Ferreira-Quint", -205),
    "cornelius": ("Cornelius Tillery", -250),
    "juniper": ("Juniper Vantongeren", -78),
    "winifred": ("Winifred Osgood", -40),
    "frank": ("Frank Okonkwo", -3),
}
NOT_REGISTERED = {"winifred", "frank"}  # winifred's invitation has expired, frank's is open


@dataclass(frozen=True, slots=True)
class Case:
    """A matter: its client, how it is billed, who works on it, who gets its invoices (portal user → relation)."""

    key: str
    name: str
    client: str
    area: str
    opened: int
    method: str = "hourly"
    attorney: str = "carol"
    recipients: tuple[tuple[str, str], ...] = ()
    opponent: str = ""
    limit_days: int | None = None
    closed: int | None = None
    is_restricted: bool = False
    # How its client pays: each invoice (0 the newest, counted back from today) and how many days after issue.
    paid: tuple[tuple[int, int], ...] = ()
    months: int = 0
    phase: int = 10
    monthly_hours: int = 700


# kind, name, street
CLIENTS = {
    "thornbury": ("person", "Alice Vasquez-Thornbury", "4 Placeholder Lane"),
    "sample": ("company", "Sample Holdings Co.", "900 Example Plaza, Floor 12"),
    "pemberwick": ("person", "Harriet Pemberwick", "77 Specimen Street"),
    "brightwater": ("company", "Brightwater Bakery LLC", "18 Crumb Court"),
    "osgood": ("company", "Osgood & Daughters Farm", "Rural Route 9"),
    "brackenfold": ("person", "Theodora Brackenfold", "210 Fictional Avenue"),
    "larkhill": ("company", "Larkhill Historical Society", "1 Old Mill Green"),
    "marigold": ("company", "Marigold Transit Cooperative", "55 Depot Road"),
    "nightingale": ("person", "Jasper Nightingale-Oyelaran", "31 Notional Terrace"),
    "copperfield": ("company", "Copperfield Robotics, Inc.", "6400 Prototype Parkway"),
    "tillery": ("person", "Estate of Rosamund Tillery", "12 Quiet Close"),
    "applewhite": ("person", "Fernando Applewhite", "8 Orchard Row"),
}

CASES = (
    Case(
        "mills", "Thornbury v. Example Mills, Inc.", "thornbury", "Civil litigation, cargo damage", -352,
        recipients=(("alice", "client"), ("frank", "accountant")), opponent="Example Mills, Inc.", limit_days=210,
    ),
    Case(
        "estate", "Estate of Augustus Thornbury", "thornbury", "Probate", -120, "flat_fee",
        recipients=(("alice", "executor"),),
    ),
    Case(
        "lease", "Sample Holdings lease renewal", "sample", "Real property", -290, attorney="dan",
        recipients=(("bob", "owner"),), months=5, phase=9, monthly_hours=640, paid=((4, 12), (3, 20), (2, 25)),
    ),
    Case(
        "fixtures", "Sample Holdings v. Acme Fixtures", "sample", "Commercial litigation", -150,
        recipients=(("bob", "owner"),), opponent="Acme Fixtures Corp.", limit_days=400, months=3, phase=18,
        monthly_hours=900, paid=((2, 15),),
    ),
    Case(
        "adoption", "Pemberwick adoption", "pemberwick", "Family law", -185, "flat_fee", attorney="dan",
        recipients=(("harriet", "client"),), is_restricted=True, months=2, phase=14, paid=((1, 6), (0, 3)),
    ),
    Case(
        "bakery", "Brightwater Bakery formation", "brightwater", "Business formation", -155, "flat_fee",
        recipients=(("idris", "managing member"),), months=1, phase=60, paid=((0, 9),),
    ),
    Case(
        "trademark", "Brightwater trademark registration", "brightwater", "Intellectual property", -90,
        attorney="dan", recipients=(("idris", "managing member"),), months=2, phase=5, monthly_hours=380,
        paid=((1, 11),),
    ),
    Case(
        "water", "Osgood water rights", "osgood", "Land use", -240, recipients=(("winifred", "owner"),),
        months=4, phase=21, monthly_hours=520, limit_days=95,
    ),
    Case(
        "crash", "Brackenfold v. Placeholder Insurance", "brackenfold", "Personal injury", -330, "contingency",
        opponent="Placeholder Insurance Co.", limit_days=34,
    ),
    Case("charter", "Larkhill charter revision", "larkhill", "Pro bono", -75, "not_billable", attorney="dan"),
    Case(
        "drivers", "Marigold driver classification", "marigold", "Employment", -210, months=4, phase=12,
        recipients=(("odalys", "treasurer"),), paid=((3, 14), (2, 27)),
    ),
    Case(
        "depot", "Marigold depot purchase", "marigold", "Real property", -60, attorney="dan", months=1, phase=4,
        recipients=(("odalys", "treasurer"),),
    ),
    Case(
        "residency", "Nightingale residency petition", "nightingale", "Immigration", -100, "flat_fee", months=1,
        phase=25,
    ),
    Case(
        "seed", "Copperfield seed financing", "copperfield", "Corporate", -80, months=2, phase=16, monthly_hours=1400,
        recipients=(("juniper", "finance"),), paid=((1, 22),),
    ),
    Case(
        "handbook", "Copperfield employee handbook", "copperfield", "Employment", -45, attorney="dan", months=1,
        phase=7, monthly_hours=450,
    ),
    Case(
        "probate", "Tillery probate", "tillery", "Probate", -260, months=3, phase=28, monthly_hours=410,
        recipients=(("cornelius", "executor"),), paid=((2, 8), (1, 13)),
    ),
    Case("trust", "Tillery family trust", "tillery", "Estate planning", -30, "flat_fee"),
    Case(
        "appeal", "Applewhite traffic appeal", "applewhite", "Appeals", -310, "flat_fee", attorney="dan", closed=-140,
    ),
    Case("will", "Applewhite will", "applewhite", "Estate planning", -20, "flat_fee", attorney="dan"),
    Case("zoning", "Osgood barn zoning variance", "osgood", "Land use", -15, attorney="dan"),
)  # fmt: skip

Line = tuple[str, str, int, int, str]  # kind, who, quantity, rate, what

# Alice's invoices, line by line: matter, day of issue, lines.
ALICE = (
    ("mills", -107, (("flat_fee", "carol", 100, 240_000, "Case assessment, agreed fee"),)),
    (
        "mills", -77,
        (
            ("time", "carol", 200, 42_500, "Interviewed the carrier's dispatcher"),
            ("time", "dan", 250, 31_000, "Collected bills of lading and the survey report"),
            ("expense", "dan", 100, 12_500, "Marine surveyor's copy fee"),
        ),
    ),
    (
        "mills", -47,
        (
            ("time", "carol", 320, 42_500, "Drafted the complaint and its exhibits"),
            ("expense", "dan", 100, 25_500, "Filing fee, Sample County Circuit Court"),
            ("expense", "dan", 100, 2_500, "Courier, service of summons"),
            ("time", "carol", 100, 42_500, "Conference with client about the discovery schedule"),
            ("time", "dan", 250, 31_000, "Researched the statute of limitations for cargo claims"),
            ("time", "carol", 80, 42_500, "Reviewed the answer filed by Example Mills"),
        ),
    ),
    (
        "mills", -16,
        (
            ("time", "carol", 450, 42_500, "Prepared and took the deposition of M. Hartigan"),
            ("time", "dan", 600, 31_000, "Reviewed 2,300 pages of warehouse records"),
            ("time", "carol", 100, 42_500, "Call with opposing counsel about settlement"),
            ("expense", "dan", 100, 14_500, "Deposition transcript"),
        ),
    ),
    ("estate", -6, (("flat_fee", "carol", 100, 96_000, "Inventory and first accounting, agreed fee"),)),
)  # fmt: skip

# Alice pays: day, cents, card.
ALICE_PAYS = (
    (-93, 240_000, "4242424242424242"),
    (-55, 175_000, "5555555555554444"),
    (-7, 200_000, "4242424242424242"),
)

# Deposits into trust: matter, who asks, day, cents, for what; and who pays how much of it, when, with which card
DEPOSITS = (
    ("mills", "carol", -45, 300_000, "Retainer, and the expert’s fee", ("alice", 300_000, -41, "4242424242424242")),
    ("mills", "carol", -2, 150_000, "Advance for the mediation", None),
    ("seed", "gwen", -30, 500_000, "Retainer for the financing", ("juniper", 200_000, -21, "5555555555554444")),
)
EVERGREEN = ("mills", "carol", 100_000, 250_000)  # kept filled: matter, who says so, below which amount, up to which

# Checks into trust: matter, day, cents, who paid, for what, number.
CHECKS = (
    ("fixtures", -66, 500_000, "Sample Holdings Co.", "Advance on fees and costs", "2207"),
    ("probate", -2, 200_000, "Cornelius Tillery", "Advance on the accounting", "0418"),
)

# Paid out of trust: matter, lawyer, day, cents, to whom, for what; without a check's number it waits to be paid.
PAID_OUT = (
    ("fixtures", "carol", -44, 43_000, "Sample County Circuit Clerk", "Filing fee, amended complaint", "1041"),
    ("fixtures", "carol", -1, 61_500, "Meridian Court Reporting", "Transcript, first day", ""),
)

# Fees drawn from trust: matter, which invoice (0 the newest), lawyer, day, cents.
DRAWN = ("fixtures", 1, "carol", -20, 150_000)

# Held in trust, because disputed: matter, cents, why, day.
HELD = ("fixtures", 80_000, "Client questions two hours of the last invoice", -6)

# Given back: of whose newest payment, who does it, cents, why, day.
REFUND = ("idris", "erin", 18_500, "Pays this part by check instead", -4)

# Charged at the gateway itself, without the portal: for whom, cents.
BY_PHONE = ("harriet", 7_500)

# What is not billed yet: matter, kind, who, quantity, rate, what, day.
UNBILLED = (
    ("mills", "time", "carol", 180, 42_500, "Drafted the settlement agreement, third version", -4),
    ("mills", "time", "dan", 240, 31_000, "Prepared the mediation brief", -2),
    ("mills", "expense", "dan", 100, 4_200, "Certified copies for the mediation", -1),
    ("estate", "time", "dan", 120, 31_000, "Letter to the heirs about the accounting", -3),
    ("crash", "expense", "dan", 100, 38_000, "Medical records, Springfield General", -26),
    ("trust", "flat_fee", "carol", 100, 185_000, "Trust agreement, agreed fee", -5),
    ("will", "flat_fee", "dan", 100, 65_000, "Will and two directives, agreed fee", -2),
    ("zoning", "time", "dan", 210, 31_000, "Site visit and application for a variance", -6),
    ("charter", "time", "dan", 300, 31_000, "Redrafted the charter's governance articles", -20),
)

DRAFTS = ("trust", "handbook")  # unbilled work that waits as a draft

VOIDED = ("handbook", "Billed to the wrong matter")  # its only invoice, a day after it was issued

# What kinds of work fill an ordinary month, by billing method.
HOURLY = (
    "Reviewed correspondence and called the client",
    "Researched the case law on the disputed clause",
    "Drafted a letter to opposing counsel",
    "Conference with the client about next steps",
    "Revised the agreement after comments",
    "Prepared exhibits and a chronology",
    "Attended the status conference",
    "Negotiated open points by telephone",
    "Reviewed the documents that the other side produced",
)
EXPENSES = (
    ("Recording fee", 4_800),
    ("Court reporter", 27_500),
    ("Courier", 3_150),
    ("Certified copies", 2_640),
    ("Title search", 18_000),
)
FLAT = (("Agreed fee, first half", 125_000), ("Agreed fee, second half", 125_000))

# matter, name, folder, day, lines of the paper, shared with, seen
PAPERS = (
    ("mills", "Engagement letter, signed.pdf", "", -350, "Engagement letter", ("alice",), True),
    ("mills", "Complaint, as filed.pdf", "Pleadings", -46, "Complaint at law", ("alice",), True),
    ("mills", "Answer of Example Mills.pdf", "Pleadings", -31, "Answer and affirmative defenses", ("alice",), True),
    ("mills", "Deposition transcript, M. Hartigan.pdf", "Discovery", -14, "Deposition transcript", ("alice",), True),
    ("mills", "Draft settlement agreement, third version.pdf", "", -2, "Draft settlement agreement", ("alice",), False),
    ("mills", "Notes on the mediation brief, privileged.txt", "", -3, "Notes on the mediation brief", (), False),
    ("estate", "Letters of administration.pdf", "", -88, "Letters of administration", ("alice",), True),
    ("lease", "Lease renewal, draft.pdf", "", -40, "Lease renewal", ("bob",), True),
    ("fixtures", "Complaint, as filed.pdf", "Pleadings", -120, "Complaint at law", ("bob",), True),
    ("adoption", "Home study report.pdf", "", -60, "Home study report", ("harriet",), True),
    ("bakery", "Certificate of formation.pdf", "", -58, "Certificate of formation", ("idris",), True),
    ("water", "Permit application.pdf", "", -35, "Application for a water permit", (), False),
    ("seed", "Term sheet, signed.pdf", "", -50, "Term sheet", (), False),
)

# matter, title, place, day, hour, minutes long, shared with
EVENTS = (
    ("mills", "Deposition of M. Hartigan", "Quillfeather & Larkspur, large conference room", -18, 9, 240, ("alice",)),
    ("mills", "Mediation", "Sample County Courthouse, Room 4", 7, 10, 180, ("alice",)),
    ("mills", "Call to prepare your deposition", "By telephone", 19, 14, 45, ("alice",)),
    ("estate", "Meeting with the appraiser", "4 Placeholder Lane", 12, 11, 90, ("alice",)),
    ("fixtures", "Status conference", "Sample County Courthouse, Room 2", 4, 9, 30, ("bob",)),
    ("lease", "Lease signing", "900 Example Plaza, Floor 12", 23, 15, 60, ("bob",)),
    ("adoption", "Finalization hearing", "Sample County Courthouse, Room 7", 9, 13, 60, ("harriet",)),
    ("crash", "Answer due", "Filing deadline", 2, 17, 0, ()),
    ("drivers", "Client call, Marigold Transit", "By telephone", 1, 15, 30, ()),
    ("seed", "Closing", "By video", 5, 16, 60, ()),
)
