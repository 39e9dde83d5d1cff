"""What the demo shop sells and writes about: the wares of a made-up ceramics studio."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

BRAND: Final = "Kiln & Clover"


@dataclass(frozen=True)
class Product:
    """One pot. `slug` is also its drawing in `art/`; `price` is in whole euros."""

    slug: str
    name: str
    kind: str
    glaze: str
    price: int
    line: str
    story: str
    size: str


@dataclass(frozen=True)
class Article:
    """One piece in the journal."""

    slug: str
    title: str
    art: str
    minutes: int
    line: str
    paragraphs: tuple[str, ...]


KINDS: Final = ("Cups", "Table", "Pouring", "Home")

_PRODUCTS = (
    Product(
        slug="mug",
        name="Morning mug",
        kind="Cups",
        glaze="moss",
        price=28,
        line="Holds a proper amount of coffee.",
        story="A wide, low mug with a handle made for three fingers. The moss glaze breaks "
        "towards amber where it runs thin, so no two come out of the kiln alike.",
        size="350 ml · 9 cm high",
    ),
    Product(
        slug="cups",
        name="Espresso pair",
        kind="Cups",
        glaze="sun",
        price=34,
        line="Two small cups that like each other.",
        story="Thrown from one lump of clay so that they stay a pair. Thin at the lip, "
        "heavy at the foot, and happy in a crowded cupboard.",
        size="Two of 80 ml · 6 cm high",
    ),
    Product(
        slug="bowl",
        name="Noodle bowl",
        kind="Table",
        glaze="ink",
        price=42,
        line="Deep enough for dinner.",
        story="The bowl we eat from at the studio. Its foot is high enough to carry hot, "
        "its rim is turned in so that broth stays where it should.",
        size="900 ml · 18 cm across",
    ),
    Product(
        slug="plate",
        name="Leaf plate",
        kind="Table",
        glaze="oat",
        price=36,
        line="A leaf from the yard, pressed and glazed.",
        story="Each plate carries the print of one leaf from the beech behind the workshop. "
        "It burns away in the first firing and leaves its lines.",
        size="24 cm across",
    ),
    Product(
        slug="pitcher",
        name="Tall pitcher",
        kind="Pouring",
        glaze="sea",
        price=64,
        line="Pours without a drop on the cloth.",
        story="The lip took us a winter to get right. Water, milk or a handful of "
        "cow parsley: it has an opinion on none of them.",
        size="1.2 l · 24 cm high",
    ),
    Product(
        slug="teapot",
        name="Round teapot",
        kind="Pouring",
        glaze="plum",
        price=88,
        line="For four, or for one with a book.",
        story="Eleven parts, one afternoon. The lid locks with a quarter turn, the spout is "
        "cut sharp, and the strainer is thrown with the body.",
        size="1 l · 16 cm high",
    ),
    Product(
        slug="vase",
        name="Bud vase",
        kind="Home",
        glaze="chalk",
        price=30,
        line="Makes one stem look intended.",
        story="A narrow neck and a round belly, so a single branch stands up straight. "
        "The chalk glaze is matt outside and watertight within.",
        size="19 cm high",
    ),
    Product(
        slug="planter",
        name="Window planter",
        kind="Home",
        glaze="clay",
        price=52,
        line="A good home for something green.",
        story="Raw terracotta where it should breathe, glazed where you touch it. "
        "A saucer comes with it; a plant does not.",
        size="17 cm across",
    ),
)

PRODUCTS: Final = MappingProxyType({product.slug: product for product in _PRODUCTS})

_ARTICLES = (
    Article(
        slug="why-glaze-runs",
        title="Why glaze runs, and why we let it",
        art="pitcher",
        minutes=4,
        line="Twelve hundred degrees, a little ash, and the part nobody decides.",
        paragraphs=(
            (
                "At 1,200 degrees a glaze is a liquid for about twenty minutes. In that time it "
                "does what liquids do: it looks for the way down. A potter can thicken it, thin "
                "it, or leave the lower third of a pot bare, and that is all the say there is."
            ),
            (
                "We used to send back everything with a drip. Then a customer wrote to ask for "
                "'the one with the tear', and we looked at the second shelf with other eyes."
            ),
            (
                "Today the line where the glaze stopped is the first thing we look at when the "
                "kiln opens. It is the only signature that the fire puts on a pot."
            ),
        ),
    ),
    Article(
        slug="a-mug-for-three-fingers",
        title="A mug for three fingers",
        art="mug",
        minutes=3,
        line="Forty handles, one winter, and a lot of cold coffee.",
        paragraphs=(
            (
                "Two fingers tip, four fingers crowd. With three the weight of a full mug hangs "
                "just under the knuckle and the little finger finds the foot by itself."
            ),
            (
                "We pulled forty handles and numbered them on the underside with a needle. For a "
                "month everybody in the studio drank from a different one each day and wrote down "
                "the number they reached for without thinking."
            ),
            "It was number seventeen. It still is: turn your mug over and look.",
        ),
    ),
    Article(
        slug="the-beech-behind-the-workshop",
        title="The beech behind the workshop",
        art="plate",
        minutes=5,
        line="Where the leaves in our plates come from, and what we owe the tree.",
        paragraphs=(
            (
                "The tree was there before the workshop, and before the road. In the last week of "
                "October it drops more leaves in a night than we could press in a year."
            ),
            (
                "We gather about two hundred, dry them between roof tiles, and roll each one into "
                "soft clay. The leaf is gone after the first firing. Its veins stay, fine as hair."
            ),
            (
                "In spring the broken pots go back to its roots as drainage. We like to think that "
                "it evens out."
            ),
        ),
    ),
)

ARTICLES: Final = MappingProxyType({article.slug: article for article in _ARTICLES})
