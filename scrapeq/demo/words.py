"""The words that the shop's titles, authors and descriptions are made of."""

SHELVES = (
    "Fiction > Seafaring", "Fiction > Small Towns", "Fiction > Translated", "Mystery > Cosy",
    "Mystery > Locked Rooms", "Poetry > Haiku", "Poetry > Sonnets", "Poetry > Nonsense Verse",
    "History > Local", "History > Europe > Alpine", "History > Europe > Baltic", "Travel",
    "Food & Drink > Bread", "Food & Drink > Tea", "Food & Drink > Café Culture",
    "Nature > Birds", "Nature > Weather", "Nature > Moss & Lichen", "Science > Astronomy",
    "Science > Mathematics", "Crafts > Bookbinding", "Crafts > Knitting", "Children > Bedtime",
    "Children > Ages 8-12",
)  # fmt: skip

ADJECTIVES = (
    "Amber", "Borrowed", "Careful", "Distant", "Early", "Forgotten", "Gentle", "Hollow",
    "Invisible", "Jealous", "Kindly", "Late", "Midnight", "Narrow", "Ordinary", "Patient", "Quiet",
    "Restless", "Seventh", "Tangled", "Unlikely", "Velvet", "Winter", "Yellow", "Salt-Stained",
    "Half-Open",
)  # fmt: skip

NOUNS = (
    "Almanac", "Allotment", "Bakery", "Clockwork", "Dovecote", "Drawbridge", "Eclipse", "Estuary",
    "Ferry", "Foghorn", "Greenhouse", "Harbour", "Hedgerow", "Inkwell", "Island", "Jackdaw",
    "Kettle", "Lantern", "Lighthouse", "Museum", "Nightingale", "Orchard", "Peninsula", "Quarry",
    "Railway", "Snowfield", "Teapot", "Umbrella", "Violin", "Weathervane", "Yardstick", "Zeppelin",
)  # fmt: skip

PEOPLE = (
    "Archivist", "Beekeeper", "Cartographer", "Dentist", "Engraver", "Ferryman", "Gardener",
    "Historian", "Illustrator", "Juggler", "Librarian", "Navigator", "Organist", "Postmistress",
    "Quilter", "Shepherd", "Tailor", "Understudy", "Ventriloquist", "Watchmaker",
)  # fmt: skip

SUBJECTS = (
    "Buttons", "Clouds", "Doorbells", "Envelopes", "Fountains", "Gloves", "Hinges", "Ice", "Jam",
    "Keys", "Ladders", "Mirrors", "Noise", "Oats", "Pencils", "Queues", "Rain", "Soup", "Tides",
    "Varnish", "Windmills", "Yeast", "Zips",
)  # fmt: skip

TOWNS = (
    "Zürich", "Łódź", "São Tomé", "Malmö", "Reykjavík", "Besançon", "Kraków", "Tromsø", "Plzeň",
    "Győr", "Šiauliai", "Coruña", "Aarhus", "Ghent", "Trieste", "Whitby", "Galway", "Porto",
)  # fmt: skip

TITLES = (
    "The {adjective} {noun} of {place}",
    "The {person} & the {adjective} {noun}",
    "A Short History of {adjective} {subject} in {place}",
    '"The {adjective} {noun}" and Other Stories from {place}',
    "The {person}'s {adjective} {noun}",
    "{place}, {adjective} {place}: A Book of {subject}",
    "{subject} <3: Notes from the {adjective} {noun}",
    "How the {adjective} {person} Came to {place}",
    "{subject}, {adjective} {subject} & the {noun}",
    "One {adjective} {noun}, Two {subject}",
)

FIRST_NAMES = (
    "Ada", "Björn", "Chloé", "Dilys", "Edmund", "Françoise", "Gwen", "Hamish", "Inès", "Jürgen",
    "Katarína", "Liam", "Maud", "Niamh", "Ørjan", "Petra", "Quentin", "Rosa", "Søren", "Tomasz",
    "Una", "Václav", "Wilf", "Yvonne", "Zoë",
)  # fmt: skip

LAST_NAMES = (
    "Abernathy", "Bellweather", "Čapková", "Dunmore", "Eriksen", "Fairweather", "Grünwald",
    "Hollis", "Iversen", "Jäderlund", "Kowalczyk", "Lacombe", "McAllister", "Núñez", "O'Hara",
    "Pemberton", "Quimby", "Rasmussen", "Sánchez", "Thistlewood", "Underhill", "Vasquez",
    "Whitlock", "Yardley", "Østergaard",
)  # fmt: skip

OPENINGS = (
    "A keeper of lamps inherits a house that stands on no map.",
    "Two sisters, one bicycle & the longest summer anybody can remember.",
    "Everything you meant to ask about the subject, in forty short chapters.",
    "A village votes to stop all its clocks, and then has to live with it.",
    "Letters found behind a stove tell a story nobody in town will confirm.",
    "A practical guide with drawings, written at a kitchen table.",
    'The stranger at the ferry says only one thing: "You\'re late."',
    "An affectionate account of people who notice small things.",
    "Twelve walks, twelve weathers and one borrowed dog.",
    "What happens when the only bookshop in town closes < and opens again.",
)

CLOSINGS = (
    "With a new foreword by the author.",
    "Shortlisted for the Quillwick Prize.",
    "For readers who like their endings open.",
    "Includes an index, a map and a recipe.",
    "Best read aloud, near a window.",
    "Translated for the first time.",
    "A favourite of our staff for three winters.",
    "Printed on paper that smells the way it should.",
)
