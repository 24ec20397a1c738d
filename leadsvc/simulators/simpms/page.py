"""The page of the simulated PMS, as one template: it needs no other file and no script."""

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Simulated PMS: guest cards</title><style>
:root { color-scheme: light dark; }
body { font: 16px/1.45 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
article { border: 1px solid #8886; border-radius: .5rem; padding: .75rem 1rem; margin: 1rem 0; }
h2 { font-size: 1.1rem; margin: 0; } .quiet { opacity: .7; font-size: .9rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .5rem 0; }
dt { opacity: .7; } dd { margin: 0; overflow-wrap: anywhere; } h3 { font-size: .95rem; margin: .6rem 0 .2rem; }
ul { margin: 0; padding-left: 1.2rem; } .merged { opacity: .55; } .text { white-space: pre-wrap; }
</style></head><body>
<h1>Simulated PMS</h1>
<p class="quiet">{{ cards|length }} guest cards, last changed first. Nothing here is real;
reload the page after a lead was sent.</p>
{% for card in cards %}
<article{% if card.merged_into %} class="merged"{% endif %}>
<h2>{{ card.first_name or "" }} {{ card.last_name or "" }} at
{{ name.get("property:" ~ card.property_id, card.property_id) }}</h2>
<div class="quiet">{{ card.kind }}, {{ card.status }} &middot; {{ card.id }} &middot; person {{ card.person_id }}
&middot; entered by {{ card.entered_by }}
{% if card.merged_into %}&middot; merged into {{ card.merged_into }}{% endif %}
</div>
<dl>
{% for key, label in [("email", "E-mail"), ("phone", "Phone"), ("source", "Source"), ("move_in", "Move-in"),
("third_party_id", "Third-party id"), ("comment", "Comment")] %}
{% if card[key] %}<dt>{{ label }}</dt><dd class="text">{{ card[key] }}</dd>{% endif %}{% endfor %}
{% if card.bedrooms_min is not none or card.bedrooms_max is not none %}<dt>Bedrooms</dt>
<dd>{{ card.bedrooms_min if card.bedrooms_min is not none else "any" }} to
{{ card.bedrooms_max if card.bedrooms_max is not none else "any" }}</dd>{% endif %}
{% if card.budget_max_cents %}<dt>Budget</dt><dd>up to {{ "%.2f"|format(card.budget_max_cents / 100) }}</dd>{% endif %}
{% if card.floor_plan_id %}<dt>Floor plan</dt>
<dd>{{ name.get("floor_plan:" ~ card.floor_plan_id, card.floor_plan_id) }}</dd>{% endif %}
{% if card.unit_id %}<dt>Unit</dt><dd>{{ name.get("unit:" ~ card.unit_id, card.unit_id) }}</dd>{% endif %}
{% if card.agent_id %}<dt>Agent</dt><dd>{{ name.get("agent:" ~ card.agent_id, card.agent_id) }}</dd>{% endif %}
</dl>
{% if card.people %}<h3>With</h3><ul>{% for one in card.people %}
<li>{{ one.first_name or "" }} {{ one.last_name or "" }} {{ one.email or "" }} {{ one.phone or "" }}</li>{% endfor %}
</ul>{% endif %}
{% if card.tasks %}<h3>Tasks</h3><ul>{% for task in card.tasks %}
<li>{{ task.title }}, due {{ task.due_at }},
{{ name.get("agent:" ~ task.assignee_id, task.assignee_id) if task.assignee_id else "nobody assigned" }}
<span class="quiet">({{ task.status }}, {{ task.priority }})</span></li>{% endfor %}</ul>{% endif %}
{% if card.events %}<h3>History</h3><ul>{% for event in card.events %}
<li>{{ event.at }} {{ event.kind }}{% if event.source %} from {{ event.source }}{% endif %}:
<span class="text">{{ event.text }}</span></li>{% endfor %}</ul>{% endif %}
</article>
{% else %}<p>No guest cards yet.</p>{% endfor %}
</body></html>
"""
