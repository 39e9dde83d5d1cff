"""The pages of the demo shop, each as a function from nothing but its address to HTML."""

from dataclasses import dataclass
from urllib.parse import urlencode

from regulars.demo.catalog import ARTICLES, BRAND, KINDS, PRODUCTS, Article, Product
from regulars.demo.markup import Markup, drawing, join, render

# Ways to come in, for whoever wants to see first touch at work.
ARRIVALS = (
    (
        "our newsletter",
        {
            "utm_source": "newsletter",
            "utm_medium": "email",
            "utm_campaign": "autumn-kiln",
            "utm_content": "open-the-kiln",
        },
    ),
    (
        "a search ad",
        {
            "utm_source": "search",
            "utm_medium": "cpc",
            "utm_campaign": "handmade-mugs",
            "utm_term": "handmade mug",
        },
    ),
    ("a post by a friend", {"utm_source": "pictures", "utm_medium": "social"}),
)


@dataclass(frozen=True)
class Assets:
    """Addresses of the style sheets, the script and the icon, with their fingerprints."""

    styles: tuple[str, ...]
    script: str
    icon: str

    @property
    def style(self) -> Markup:
        """The style sheets, as a page's head names them."""
        return join([render("style", address=address) for address in self.styles])


@dataclass(frozen=True)
class Frame:
    """What goes around every page."""

    write_key: str
    assets: Assets

    def page(self, title: str, main: Markup, *, current: str = "", kind: str = "") -> Markup:
        """A whole page. `current` marks the menu's entry; `kind` tells the script which it is."""
        return render(
            "layout",
            title=f"{title} · {BRAND}" if title else f"{BRAND}: pots for every day",
            brand=BRAND,
            mark=drawing("brand"),
            style=self.assets.style,
            script=self.assets.script,
            icon=self.assets.icon,
            key=self.write_key,
            kind=kind,
            main=main,
            shop_current=Markup('aria-current="page"') if current == "shop" else "",
            journal_current=Markup('aria-current="page"') if current == "journal" else "",
            arrivals=join(
                [
                    render("arrival", name=name, query="?" + urlencode(query))
                    for name, query in ARRIVALS
                ]
            ),
        )


def _card(product: Product) -> Markup:
    return render(
        "card",
        slug=product.slug,
        name=product.name,
        kind=product.kind,
        glaze=product.glaze,
        price=str(product.price),
        line=product.line,
        art=drawing(product.slug),
    )


def _teaser(article: Article) -> Markup:
    return render(
        "teaser",
        slug=article.slug,
        title=article.title,
        line=article.line,
        minutes=str(article.minutes),
        glaze=PRODUCTS[article.art].glaze,
        art=drawing(article.art),
    )


def home(frame: Frame) -> Markup:
    """`/demo/`."""
    favourites = [PRODUCTS[slug] for slug in ("mug", "bowl", "vase", "pitcher")]
    return frame.page(
        "",
        render(
            "home",
            shelf=drawing("shelf"),
            favourites=join([_card(product) for product in favourites]),
            articles=join([_teaser(article) for article in ARTICLES.values()]),
        ),
        kind="home",
    )


def shop(frame: Frame) -> Markup:
    """`/demo/shop/`. The script narrows it down to a kind, without loading the page again."""
    return frame.page(
        "Shop",
        render(
            "shop",
            kinds=join([render("kind", kind=kind) for kind in KINDS]),
            count=str(len(PRODUCTS)),
            cards=join([_card(product) for product in PRODUCTS.values()]),
        ),
        current="shop",
        kind="shop",
    )


def product(frame: Frame, slug: str) -> Markup | None:
    """`/demo/shop/<slug>/`."""
    found = PRODUCTS.get(slug)
    if found is None:
        return None
    others = [
        other for other in PRODUCTS.values() if other.kind == found.kind and other is not found
    ] + [other for other in PRODUCTS.values() if other.kind != found.kind]
    return frame.page(
        found.name,
        render(
            "product",
            slug=found.slug,
            name=found.name,
            kind=found.kind,
            glaze=found.glaze,
            price=str(found.price),
            line=found.line,
            story=found.story,
            size=found.size,
            art=drawing(found.slug),
            others=join([_card(other) for other in others[:4]]),
        ),
        current="shop",
        kind="product",
    )


def _thumbs() -> Markup:
    """Every product's drawing and facts, for the script to make rows of the cart from."""
    return join(
        [
            render(
                "thumb",
                slug=product.slug,
                name=product.name,
                kind=product.kind,
                glaze=product.glaze,
                price=str(product.price),
                art=drawing(product.slug),
            )
            for product in PRODUCTS.values()
        ]
    )


def cart(frame: Frame) -> Markup:
    """`/demo/cart/`. What is in it only the browser knows."""
    return frame.page("Your basket", render("cart", thumbs=_thumbs()), kind="cart")


def checkout(frame: Frame) -> Markup:
    """`/demo/checkout/`."""
    return frame.page("Checkout", render("checkout", thumbs=_thumbs()), kind="checkout")


def thanks(frame: Frame) -> Markup:
    """`/demo/thanks/`."""
    return frame.page("Thank you", render("thanks", art=drawing("teapot")), kind="thanks")


def sign_up(frame: Frame) -> Markup:
    """`/demo/sign-up/`."""
    return frame.page("Join the club", render("sign_up", art=drawing("mug")), kind="sign-up")


def account(frame: Frame) -> Markup:
    """`/demo/account/`."""
    return frame.page("Your account", render("account"), kind="account")


def journal(frame: Frame) -> Markup:
    """`/demo/journal/`."""
    return frame.page(
        "Journal",
        render("journal", articles=join([_teaser(article) for article in ARTICLES.values()])),
        current="journal",
        kind="journal",
    )


def article(frame: Frame, slug: str) -> Markup | None:
    """`/demo/journal/<slug>/`."""
    found = ARTICLES.get(slug)
    if found is None:
        return None
    pictured = PRODUCTS[found.art]
    others = [other for other in ARTICLES.values() if other is not found]
    return frame.page(
        found.title,
        render(
            "article",
            title=found.title,
            line=found.line,
            minutes=str(found.minutes),
            glaze=pictured.glaze,
            art=drawing(found.art),
            paragraphs=join([render("paragraph", text=text) for text in found.paragraphs]),
            product_slug=pictured.slug,
            product_name=pictured.name,
            others=join([_teaser(other) for other in others]),
        ),
        current="journal",
        kind="article",
    )


def missing(frame: Frame) -> Markup:
    """An address that leads nowhere."""
    return frame.page("Not here", render("missing", art=drawing("bowl")), kind="missing")


def closed(assets: Assets) -> Markup:
    """The shop while there is no project whose key it could carry."""
    return render(
        "closed", brand=BRAND, style=assets.style, icon=assets.icon, art=drawing("planter")
    )
