"""Fails on purpose, to show what a failure looks like."""


def price(order):
    return order["items"] * order["unit_price"]


def lambda_handler(event, context):
    print("pricing order", event.get("id"))
    return {"total": price(event)}
