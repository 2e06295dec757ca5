"""CPU seconds of one Flower SecAgg+ client in one round, as one line of JSON.

Calls the four stages of flwr's own client mod (`secaggplus_mod`) with what its server would send: public keys of every client, then
every peer's ciphertext, then the lists for unmasking. Full graph, so that each client masks with n - 1 peers as in SA1. Only the
client under test is timed: making the peers' keys and ciphertexts is not, nor is Flower's transport or its serialisation.

    python flower_client.py --participants 100 --parameters 1000000 --dropout 0.1
"""

import argparse
import importlib
import json
import resource
import time

import flwr
import numpy as np
from flwr.common import ndarrays_to_parameters
from flwr.common.secure_aggregation.secaggplus_constants import Key

# The package exports a function of the same name.
mod = importlib.import_module("flwr.client.mod.secure_aggregation.secaggplus_mod")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--participants", type=int, default=100)
    parser.add_argument("--parameters", type=int, default=1_000_000)
    parser.add_argument("--dropout", type=float, default=0.1)
    options = parser.parse_args()
    n = options.participants
    threshold = 2 * n // 3 + 1
    dropouts = round(options.dropout * n)
    me = 1

    peers = {}
    for node in range(2, n + 1):
        keys = [mod.generate_key_pairs() for _ in range(2)]
        peers[node] = [(mod.private_key_to_bytes(secret), mod.public_key_to_bytes(public)) for secret, public in keys]
    # Flower's defaults for the ranges.
    settings = {
        Key.SAMPLE_NUMBER: n, Key.SHARE_NUMBER: n, Key.THRESHOLD: threshold, Key.CLIPPING_RANGE: 8.0,
        Key.TARGET_RANGE: 1 << 22, Key.MOD_RANGE: 1 << 32, Key.MAX_WEIGHT: 1000.0,
    }
    update = np.random.default_rng(1).uniform(-1, 1, options.parameters).astype(np.float32)
    parameters = ndarrays_to_parameters([update])
    state = mod.SecAggPlusState()
    state.nid = me
    stages = []

    def timed(stage, *arguments):
        start = time.process_time()
        result = stage(*arguments)
        stages.append(time.process_time() - start)
        return result

    own = timed(mod._setup, state, settings)
    public = {str(me): [own[Key.PUBLIC_KEY_1], own[Key.PUBLIC_KEY_2]]}
    for node, keys in peers.items():
        public[str(node)] = [keys[0][1], keys[1][1]]
    timed(mod._share_keys, state, public)

    ciphertexts = []
    template = mod.create_shares(bytes(32), threshold, n)[0]
    key_template = mod.create_shares(mod.private_key_to_bytes(mod.generate_key_pairs()[0]), threshold, n)[0]
    for node, keys in peers.items():
        shared = mod.generate_shared_key(mod.bytes_to_private_key(keys[1][0]), mod.bytes_to_public_key(state.pk2))
        ciphertexts.append(mod.encrypt(shared, mod.share_keys_plaintext_concat(node, me, template, key_template)))
    masked = timed(
        mod._collect_masked_vectors,
        state,
        {Key.CIPHERTEXT_LIST: ciphertexts, Key.SOURCE_LIST: list(peers)},
        500,
        parameters,
    )
    active = [me] + list(peers)[: n - 1 - dropouts]
    timed(mod._unmask, state, {Key.ACTIVE_NODE_ID_LIST: active, Key.DEAD_NODE_ID_LIST: list(peers)[n - 1 - dropouts :]})

    print(
        json.dumps(
            {
                "version": flwr.__version__,
                "participants": n,
                "parameters": options.parameters,
                "client_cpu_s": sum(stages),
                "client_stage_cpu_s": stages,
                "upload_bytes": sum(len(array) for array in masked[Key.MASKED_PARAMETERS]),
                "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            }
        )
    )


main()
