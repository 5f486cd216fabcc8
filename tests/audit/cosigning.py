"""All witnesses are asked at once, without waiting for their next turn."""

from concurrent.futures import ThreadPoolExecutor, wait

from app.audit.witnesses.asking import Witnesses

PATIENCE_S = 5.0


def cosign_now(asked: Witnesses, patience_s: float = PATIENCE_S) -> bool:
    """Show the newest checkpoint to every witness, each in a thread as ``run`` does.

    Args:
        asked: who asks them.
        patience_s: after so many seconds the answers that are there must do.

    Returns:
        Whether the newest checkpoint has all the cosignatures that it needs.
    """
    if asked._asking:
        pool = ThreadPoolExecutor(len(asked._asking), thread_name_prefix="cosign")
        wait([pool.submit(asked._ask_safely, each) for each in asked._asking.values()], patience_s)
        pool.shutdown(wait=False, cancel_futures=True)
    with asked._database.read() as tx:
        return asked.state(tx).met
