"""The types of the Admin GraphQL schema 2026-10, as far as reading needs them."""

import msgspec


class Page(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where the next page begins."""

    has_next_page: bool = False
    end_cursor: str | None = None


class MoneyV2(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An amount as decimal text."""

    amount: msgspec.Raw = msgspec.Raw(b"null")


class MoneyBag(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An amount in the shop's currency."""

    shop_money: MoneyV2


class Node(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Something of which we want the id only."""

    id: str


class Address(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A MailingAddress."""

    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    province: str | None = None
    province_code: str | None = None
    zip: str | None = None
    country_code: str | None = msgspec.field(default=None, name="countryCodeV2")
    phone: str | None = None


class Tax(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A TaxLine."""

    title: str | None = None
    rate: msgspec.Raw = msgspec.Raw(b"null")
    price_set: MoneyBag


class Allocation(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A DiscountAllocation."""

    allocated_amount_set: MoneyBag


class Line(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A LineItem."""

    id: str
    name: str
    quantity: int
    sku: str | None = None
    original_unit_price_set: MoneyBag
    discount_allocations: list[Allocation] = []
    tax_lines: list[Tax] = []
    product: Node | None = None
    variant: Node | None = None


class Lines(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One page of lines."""

    nodes: list[Line]
    page_info: Page = Page()


class Shipping(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A ShippingLine."""

    title: str | None = None
    code: str | None = None
    discounted_price_set: MoneyBag
    tax_lines: list[Tax] = []


class ShippingLines(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The ways of shipping."""

    nodes: list[Shipping] = []


class Tracking(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A FulfillmentTrackingInfo."""

    company: str | None = None
    number: str | None = None
    url: str | None = None


class Fulfillment(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A Fulfillment."""

    id: str
    status: str | None = None
    display_status: str | None = None
    created_at: str | None = None
    delivered_at: str | None = None
    estimated_delivery_at: str | None = None
    tracking_info: list[Tracking] = []


class Transaction(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An OrderTransaction."""

    kind: str | None = None
    status: str | None = None
    amount_set: MoneyBag | None = None
    processed_at: str | None = None


class Transactions(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The movements of one refund."""

    nodes: list[Transaction] = []


class Refund(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A Refund."""

    id: str
    created_at: str | None = None
    note: str | None = None
    transactions: Transactions = Transactions()


class Email(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A CustomerEmailAddress."""

    email_address: str | None = None
    marketing_state: str | None = None
    marketing_opt_in_level: str | None = None
    marketing_updated_at: str | None = None


class Phone(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A CustomerPhoneNumber."""

    phone_number: str | None = None


class Customer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A Customer."""

    id: str
    first_name: str | None = None
    last_name: str | None = None
    default_email_address: Email | None = None
    default_phone_number: Phone | None = None


class Attribute(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An extra field of the order."""

    key: str
    value: str | None = None


class OrderNode(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An Order, with all that `OrderWhole` asks for."""

    id: str
    name: str
    created_at: str
    processed_at: str
    updated_at: str
    currency_code: str
    display_fulfillment_status: str | None = None
    display_financial_status: str | None = None
    test: bool = False
    cancelled_at: str | None = None
    taxes_included: bool = False
    email: str | None = None
    phone: str | None = None
    customer_locale: str | None = None
    note: str | None = None
    tags: list[str] = []
    custom_attributes: list[Attribute] = []
    discount_codes: list[str] = []
    payment_gateway_names: list[str] = []
    source_name: str | None = None
    total_price_set: MoneyBag
    total_tax_set: MoneyBag | None = None
    total_discounts_set: MoneyBag | None = None
    tax_lines: list[Tax] = []
    customer: Customer | None = None
    shipping_address: Address | None = None
    billing_address: Address | None = None
    shipping_lines: ShippingLines | None = None
    line_items: Lines
    fulfillments: list[Fulfillment] = []
    refunds: list[Refund] = []
    transactions: list[Transaction] = []


class OrderData(msgspec.Struct, frozen=True):
    """The answer of OrderById."""

    order: OrderNode | None


class LinesNode(msgspec.Struct, frozen=True, rename="camel"):
    """An order with one page of lines."""

    line_items: Lines


class LinesData(msgspec.Struct, frozen=True):
    """The answer of OrderLinesPage."""

    order: LinesNode | None


class Orders(msgspec.Struct, frozen=True, rename="camel"):
    """One page of orders."""

    nodes: list[OrderNode]
    page_info: Page = Page()


class OrdersData(msgspec.Struct, frozen=True):
    """The answer of OrdersPage."""

    orders: Orders


class Oldest(msgspec.Struct, frozen=True):
    """The first of a list of ids."""

    nodes: list[Node]


class OldestData(msgspec.Struct, frozen=True):
    """The answer of OldestOrder."""

    orders: Oldest


class Count(msgspec.Struct, frozen=True):
    """A number of orders."""

    count: int


class CountData(msgspec.Struct, frozen=True, rename="camel"):
    """The answer of OrdersCount."""

    orders_count: Count | None


class Country(msgspec.Struct, frozen=True):
    """Where the shop is."""

    country_code: str | None = msgspec.field(default=None, name="countryCodeV2")
    province_code: str | None = msgspec.field(default=None, name="provinceCode")


class Shop(msgspec.Struct, frozen=True, rename="camel"):
    """What the shop says about itself."""

    name: str
    myshopify_domain: str
    currency_code: str
    iana_timezone: str
    shop_address: Country | None = None


class Scope(msgspec.Struct, frozen=True):
    """One right that was granted."""

    handle: str


class Installation(msgspec.Struct, frozen=True, rename="camel"):
    """The app in this shop."""

    access_scopes: list[Scope] = []


class ShopData(msgspec.Struct, frozen=True, rename="camel"):
    """The answer of ShopInfo."""

    shop: Shop
    current_app_installation: Installation | None = None
