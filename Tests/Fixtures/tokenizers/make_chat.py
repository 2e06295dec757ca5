#!/usr/bin/env python3
"""Renders conversations of our own with Qwen3's chat template, as transformers does, into chat-qwen3.json.

    pip install jinja2 && python make_chat.py PATH/tokenizer_config.json
"""
import json
import os
import random
import sys

import jinja2

environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)
template = environment.from_string(json.load(open(sys.argv[1]))["chat_template"])
generator = random.Random(11)
WORDS = ["Hello", " there ", "\n", "\n\n", "<think>", "</think>", "reason", "é\u0301", "\u0301", "<|im_end|>", "<tool_response>", "</tool_response>", "42"]


def content():
    return "".join(generator.choice(WORDS) for _ in range(generator.randint(0, 7)))


def conversation():
    messages = [{"role": "system", "content": content()}] if generator.random() < 0.4 else []
    for _ in range(generator.randint(1, 5)):
        role = generator.choice(["user", "user", "assistant", "assistant", "system"])
        text = content()
        if role == "user" and generator.random() < 0.2:
            text = "<tool_response>" + text + "</tool_response>"
        if role == "assistant" and generator.random() < 0.5:
            text = "<think>\n" + text + "\n</think>\n\n" + content()
        messages.append({"role": role, "content": text})
    return messages


cases = []
for index in range(120):
    messages, prompt = conversation(), index % 2 == 1
    cases.append({"messages": messages, "add_generation_prompt": prompt,
                  "rendered": template.render(messages=messages, add_generation_prompt=prompt)})
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "chat-qwen3.json"), "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
