"""What concerns the account and its key, the way we asked, and the rate we may ask at
(CONTRACT §11.2).
"""

from __future__ import annotations

from jobs.modelstudio.rules.rule import ASK_THE_OPERATOR, Rule
from studio.common.translatable import phrase

ALLOTMENT_USED_UP = phrase(
    "What the console allots to the Alibaba account for this model is used up."
)
RAISE_THE_QUOTA = phrase(
    "Raise the quota or budget in the Model Studio console. What waits goes on by itself."
)

# The key, the bill, the quota and the right to use the model.
ACCOUNT = (
    Rule(
        fault="account",
        messages=("free allocated quota exceeded",),
        sentence=phrase("The Alibaba account’s free quota is used up."),
        advice=phrase("Switch off “free quota only” in the console, or use another connection."),
    ),
    Rule(
        fault="account",
        codes=("AllocationQuota.FreeTierOnly",),
        sentence=phrase(
            "The Alibaba account’s free quota is used up, and it is set to use nothing else."
        ),
        advice=phrase("Switch off “free quota only” in the console, or use another connection."),
    ),
    Rule(
        fault="account",
        codes=("InvalidApiKey",),
        messages=("no api-key",),
        sentence=phrase("The request had no API key."),
        advice=phrase("Enter the connection’s API key again."),
    ),
    Rule(
        fault="account",
        codes=("InvalidApiKey",),
        sentence=phrase("The service does not accept the API key."),
        advice=phrase("Enter a valid key of the same region as the service’s address."),
    ),
    Rule(
        fault="account",
        codes=("Arrearage", "PrepaidBillOverdue", "PostpaidBillOverdue"),
        sentence=phrase("The Alibaba account has an unpaid bill."),
        advice=phrase("Pay it in the Alibaba Cloud console."),
    ),
    Rule(
        fault="account",
        codes=("CommodityNotPurchased",),
        sentence=phrase("The Alibaba account has not bought the service."),
        advice=phrase("Activate Model Studio in the Alibaba Cloud console."),
    ),
    Rule(
        fault="account",
        codes=("AccessDenied.Unpurchased",),
        sentence=phrase("The Alibaba account has not activated this model."),
        advice=phrase("Activate the model in the Model Studio console."),
    ),
    Rule(
        fault="account",
        codes=(
            "Model.AccessDenied",
            "Workspace.AccessDenied",
            "App.AccessDenied",
            "NotAuthorized",
            "WorkSpaceNotFound",
        ),
        sentence=phrase("The key’s workspace may not use this model."),
        advice=phrase(
            "Give the workspace the right to the model in the console, or use a key of the default "
            "workspace."
        ),
    ),
    Rule(
        fault="account",
        codes=("ModelNotFound", "InvalidParameter"),
        messages=(
            "model not found",
            "model can not be found",
            "model xxx does not exist",
            "does not exist or you do not have access",
        ),
        sentence=phrase("The service does not offer this model to the Alibaba account."),
        advice=phrase("Use its successor, or check the connection’s region."),
    ),
    Rule(
        fault="account",
        codes=("ModelNotFound",),
        sentence=phrase("The service does not offer this model to the Alibaba account."),
        advice=phrase("Use its successor, or check the connection’s region."),
    ),
)

# How we asked. After ACCOUNT: a plain AccessDenied is about the account only when none of
# the sharper ones is.
REQUEST = (
    Rule(
        fault="ours",
        codes=("AccessDenied",),
        messages=("does not support synchronous", "does not support asynchronous"),
        sentence=phrase("We asked for the model in the wrong way."),
        advice=ASK_THE_OPERATOR,
    ),
    Rule(
        fault="ours",
        messages=("policy expired",),
        sentence=phrase("The leave to upload ran out before the file was there."),
        advice=phrase("It is tried again by itself."),
    ),
    Rule(
        fault="account",
        codes=("AccessDenied",),
        sentence=phrase("The service denies the Alibaba account access."),
        advice=phrase("Check the rights of the key and its workspace in the console."),
    ),
    Rule(
        fault="ours",
        messages=("no connection adapters were found",),
        sentence=phrase("The service did not look up our uploaded file."),
        advice=ASK_THE_OPERATOR,
    ),
    Rule(
        fault="ours",
        codes=("InvalidParameter",),
        messages=("url error",),
        sentence=phrase("The model does not live at the address that was asked."),
        advice=ASK_THE_OPERATOR,
    ),
    Rule(
        fault="ours",
        codes=("InvalidParameter",),
        messages=("field required", "required body invalid", "missing required parameters", "bbox"),
        sentence=phrase("The order lacked something or had it in the wrong form."),
        advice=ASK_THE_OPERATOR,
    ),
)

# How busy it is. The console’s quota also comes as a throttling.
CAPACITY = (
    Rule(
        fault="account",
        codes=("Throttling.AllocationQuota", "insufficient_quota"),
        sentence=ALLOTMENT_USED_UP,
        advice=RAISE_THE_QUOTA,
    ),
    Rule(
        fault="account",
        messages=("allocated quota exceeded", "exceeded your current quota"),
        sentence=ALLOTMENT_USED_UP,
        advice=RAISE_THE_QUOTA,
    ),
    Rule(
        fault="service",
        codes=("Throttling", "limit_requests", "limit_burst_rate"),
        sentence=phrase("The service asks us to slow down."),
        advice=phrase("It goes on by itself in a moment."),
    ),
    Rule(
        fault="service",
        codes=("ModelServingError", "ModelUnavailable"),
        sentence=phrase("The service has no capacity right now."),
        advice=phrase("It goes on by itself later."),
    ),
)
