/*
 * The session of protocol/PROTOCOL.md, section 9, as agent/src/core/uplink*.ts and
 * gateway/src/core/session.ts hold it: what is journaled gets into the ledger, once, in order.
 *
 *   Device ── up ──► Gateway      both channels lose, repeat and reorder
 *          ◄─ down ──
 *
 * Left out, and why: docs/internals/model.md.
 *
 * A lane's entry is one bit: the life of the journal that wrote it, 0 before a rewind, 1 after. The
 * bits of the entries through seq n are then a hash of the chain at n that never collides.
 *
 * Sessions are random on the wire; all that matters is whether one is the newest. So a message
 * carries `fresh`, and a new hello makes all others stale.
 */

#ifndef URGENT
#define URGENT 1 /* entries of the first lane */
#endif
#ifndef NORMAL
#define NORMAL 2 /* entries of the second */
#endif
#ifndef CAP
#define CAP 2 /* messages on the way, each way */
#endif
#ifndef WINDOW
#define WINDOW 2 /* entries of a lane on their way */
#endif
#ifndef KEEPS
#define KEEPS 1 /* the gateway may keep what comes ahead of its turn */
#endif
#ifndef REWINDS
#define REWINDS 0
#endif
#define LANES 2
#define SIZE(l) (URGENT + (l) * (NORMAL - URGENT))

/* Planted bugs: each must be found. Which one it is, is said when the explorer runs. */
#ifdef PLANTED
c_decl { extern int planted; }
c_code {
  int planted;
  __attribute__((constructor)) static void plant(void) {
    const char *bug = getenv("BUG");
    planted = bug == 0 ? 0 : atoi(bug);
  }
}
#define BUG c_expr { planted }
#else
#define BUG 0
#endif
#define ACK_BEFORE_COMMIT 1 /* the gateway answers, and commits then */
#define GAP_FORGOTTEN 2     /* the gateway counts what it stored, not up to where it is whole */
#define RESUME_OFF_BY_ONE 3 /* the device goes on one behind the watermark */
#define TRUST_IN_ORDER 4    /* the gateway stores whatever comes next */
#define TRUST_IN_BROKER 5   /* the device takes a PUBACK for an ack */
#define NO_RESEND 6         /* the device waits for ever */
#define CHAIN_UNCHECKED 7   /* the gateway compares numbers only */
#define DEAF_TO_GAPS 8      /* the device goes back for nothing, and silence counts for nothing */
#define HASH_IGNORED 9      /* the device compares numbers only */
#define BLOCKED_COUNTS 10   /* the device counts what a lane that is not its own has */
#define KEPT_COUNTS 11      /* the device takes what is kept for acknowledged */
#define KEPT_IS_HERE 12     /* the device waits for what is kept, and for ever */
#define KEPT_IS_TOLD 13     /* the gateway acknowledges what it keeps */
#define KEPT_UNCHECKED 14   /* the gateway takes what it kept without comparing */

#define low(n) ((1 << (n)) - 1)
#define bit(n) (1 << ((n) - 1))
#define range(first, last) (low(last) & ~low((first) - 1))
#define differ(a, b, n) ((((a) ^ (b)) & low(n)) != 0)

mtype = { hello, batch, welcome, ack, broken };
mtype = { offline, greeting, streaming };
mtype = { ok, rewound, forked };

typedef Journal { /* on the device, durable but for what is said of it */
  byte head;
  byte bits;
  byte acked; /* a crash may set it back: it is written with the next commit */
  /* Of the session. */
  byte sent;
  byte recover; /* gaps reported up to it are known */
  byte again;   /* entries that were lost on their way, a bit each */
  byte twice;   /* entries that were sent more than once */
  byte before[4]; /* of each entry on its way, those that were handed over before it */
  bool late;    /* was silent: one batch goes again */
  bool blocked;
#ifdef PLANTED
  byte gone;    /* entries that are not waited for */
#endif
};
typedef Ledger {
  byte watermark;
  byte bits;
  /* What came ahead of its turn, in memory: one batch. */
  byte keptFirst, keptLast, keptBits;
};
typedef Message { mtype kind; bool fresh; byte lane, a, b, c, d, e, f };

Journal dev[LANES];
Ledger led[LANES];
chan up = [CAP] of { mtype, bool, byte, byte, byte, byte, byte, byte, byte };
chan down = [CAP] of { mtype, bool, byte, byte, byte, byte, byte, byte, byte };

mtype link = offline;
byte rewinds;
bool life;   /* of the journal */
bool told;   /* a person was told that the chains differ */
bool calm;   /* from here on nothing fails any more */

#define SYNCED(l) (dev[l].head == SIZE(l) && dev[l].acked == SIZE(l) && \
  led[l].watermark == SIZE(l))
#define ALL_SYNCED (SYNCED(0) && SYNCED(1))
#define SETTLED (ALL_SYNCED || told)
#define CAN_SEND(c) (!calm || nfull(c))
#define QUIET (len(up) == 0 && len(down) == 0)
/* A timer may fire at any time; once all is calm, it fires after what is on its way has come. */
#define TIME (!calm || QUIET)

/* What a device holds for acknowledged is in the ledger, byte for byte. */
inline check(l) {
  assert(dev[l].acked <= led[l].watermark);
  assert(!differ(dev[l].bits, led[l].bits, dev[l].acked));
}

inline put(ch, k, s, l, a1, b1, c1, d1, e1, f1) {
  if
  :: nfull(ch) -> ch!!k, s, l, a1, b1, c1, d1, e1, f1
  :: full(ch) /* lost */
  fi
}

/* Messages on the way are kept sorted: their order is no state, since any may come next. */
#define ALL(m) m.kind, m.fresh, m.lane, m.a, m.b, m.c, m.d, m.e, m.f
inline clear(m) {
  m.kind = 0; m.fresh = 0; m.lane = 0; m.a = 0; m.b = 0; m.c = 0; m.d = 0; m.e = 0; m.f = 0
}

/* Takes the message behind `ahead` others. */
inline take(ch, ahead, to) {
  if
  :: ahead == 0 -> ch?ALL(to)
  :: ahead == 1 -> ch?ALL(other); ch?ALL(to); ch!!ALL(other)
  :: ahead == 2 -> ch?ALL(other); ch?ALL(another); ch?ALL(to); ch!!ALL(other); ch!!ALL(another)
  fi;
  clear(other);
  clear(another)
}

/* Everything on its way belongs to a session that is over. */
inline makeStale(ch) {
  for (i : 1 .. len(ch)) {
    ch?ALL(other);
    ch!other.kind, false, other.lane, other.a, other.b, other.c, other.d, other.e, other.f
  };
  clear(other)
}

inline clearOrder(l) {
  dev[l].before[1] = 0;
  dev[l].before[2] = 0;
  dev[l].before[3] = 0
}

inline endSession() {
  link = offline;
  for (i : 0 .. LANES - 1) {
    dev[i].sent = 0;
    dev[i].recover = 0;
    dev[i].again = 0;
    dev[i].twice = 0;
    clearOrder(i);
#ifdef PLANTED
    dev[i].gone = 0;
#endif
    dev[i].late = false;
    dev[i].blocked = false
  }
}

inline max(to, value) {
  if
  :: value > to -> to = value
  :: else
  fi
}

#ifdef PLANTED
#define GONE(l) dev[l].gone
#else
#define GONE(l) 0
#endif
/* Entries on their way. */
#define FLYING(l) (low(dev[l].sent) & ~low(dev[l].acked) & ~dev[l].again & ~GONE(l))

/* uplink-again.ts, placed: these are the newest on their way. */
inline handOver(l, mask) {
  for (i : 1 .. 3) {
    if
    :: (mask & bit(i)) != 0 -> dev[l].before[i] = FLYING(l) & ~mask
    :: else -> dev[l].before[i] = dev[l].before[i] & ~mask
    fi
  };
  i = 0
}

/* What is not on its way any more has no place in the order. */
inline keepOrder(l) {
  for (i : 1 .. 3) {
    dev[l].before[i] = ((FLYING(l) & bit(i)) != 0 -> dev[l].before[i] & FLYING(l) : 0)
  };
  i = 0
}

/* uplink-again.ts, goBack */
inline goBack(l) {
  max(dev[l].recover, dev[l].sent);
  dev[l].twice = dev[l].twice | (low(dev[l].sent) & ~low(dev[l].acked));
  dev[l].sent = dev[l].acked;
  dev[l].again = 0;
  dev[l].late = false;
  keepOrder(l)
}

/* uplink-again.ts, takeGap: what is not kept, and was handed over before what is, was lost. */
inline takeKept(l, first, last) {
  v = 0;
  for (i : first .. last) {
    v = v | ((FLYING(l) & bit(i)) != 0 -> dev[l].before[i] : 0)
  };
  v = v & FLYING(l) & ~range(first, last);
  dev[l].again = dev[l].again | v;
  dev[l].late = dev[l].late && (v & ~dev[l].twice) == 0;
  v = 0;
  keepOrder(l);
#ifdef PLANTED
  if
  :: BUG == KEPT_COUNTS -> dev[l].acked = last
  :: BUG == KEPT_IS_HERE -> dev[l].gone = dev[l].gone | range(first, last)
  :: else
  fi;
#endif
}

/* The ledger has the entry at `mark` as this journal has it. */
#define same(l, mark, hash) (BUG == HASH_IGNORED || !differ(dev[l].bits, hash, mark))

/* uplink-stream.ts, beginLane */
inline beginLane(l, mark, verdict, hash) {
  dev[l].blocked = verdict != ok || mark > dev[l].head || !same(l, mark, hash);
  if
  :: BUG == BLOCKED_COUNTS -> dev[l].acked = (mark > dev[l].head -> dev[l].head : mark)
  :: BUG != BLOCKED_COUNTS && !dev[l].blocked -> dev[l].acked = mark
  :: else
  fi;
  told = told || dev[l].blocked;
  dev[l].sent = dev[l].acked;
  if
  :: BUG == RESUME_OFF_BY_ONE && dev[l].sent < dev[l].head -> dev[l].sent++
  :: else
  fi;
  check(l)
}

/* uplink-stream.ts, takeAck */
inline takeAck(l, mark, missing, hash, first, last) {
  if
  :: mark > dev[l].acked && mark <= dev[l].head && same(l, mark, hash) ->
    dev[l].acked = mark;
    max(dev[l].sent, mark);
    dev[l].again = dev[l].again & ~low(mark);
    dev[l].twice = dev[l].twice & ~low(mark);
    dev[l].late = false;
    keepOrder(l)
  :: mark > dev[l].acked && mark <= dev[l].head && !same(l, mark, hash) ->
    dev[l].blocked = true;
    told = true
  :: else
  fi;
  if
  :: BUG == DEAF_TO_GAPS || missing <= dev[l].acked || missing > dev[l].sent
  :: else ->
    if
    :: last > 0 -> takeKept(l, first, last)
    :: last == 0 && missing > dev[l].recover -> goBack(l)
    :: else
    fi
  fi;
  check(l)
}

inline journal(l) {
  dev[l].head++;
  if
  :: life -> dev[l].bits = dev[l].bits | (1 << (dev[l].head - 1))
  :: else
  fi
}

inline send(l, last) {
  put(up, batch, false, l, dev[l].sent + 1, last, dev[l].bits & low(last), 0, 0, 0);
  v = last;
  x = range(dev[l].sent + 1, v);
  dev[l].sent = v;
  handOver(l, x);
  v = 0;
  x = 0;
  if
  :: BUG == TRUST_IN_BROKER -> dev[l].acked = dev[l].sent; check(l)
  :: else
  fi
}

/* The first of what was lost goes again. */
inline sendAgain(l) {
  v = 1;
  do
  :: (dev[l].again & bit(v)) != 0 -> break
  :: else -> v++
  od;
  put(up, batch, false, l, v, v, dev[l].bits & low(v), 0, 0, 0);
  x = bit(v);
  dev[l].again = dev[l].again & ~x;
  dev[l].twice = dev[l].twice | x;
  handOver(l, x);
  v = 0;
  x = 0
}

/* uplink-again.ts, probe: the newest on its way goes again, and nothing else. */
inline probe(l) {
  v = FLYING(l);
  for (i : 1 .. 3) {
    v = v & ~dev[l].before[i]
  };
  /* Of a batch of two the last. */
  i = (v > 3 -> 3 : (v > 1 -> 2 : 1));
  dev[l].again = dev[l].again | bit(i);
  dev[l].late = true;
  keepOrder(l);
  v = 0
}

inline receive() {
  if
  :: m.kind == welcome && link == greeting && m.fresh ->
    link = streaming;
    x = m.a; y = m.b; z = m.e;
    beginLane(0, x, y, z);
    x = m.c; y = m.d; z = m.f;
    beginLane(1, x, y, z);
    x = 0; y = 0; z = 0
  :: m.kind == ack && link == streaming ->
    x = m.lane; y = m.a; z = m.b; w = m.c;
    takeAck(x, y, z, w, m.d, m.e);
    x = 0; y = 0; z = 0; w = 0
  :: m.kind == broken && link != offline -> told = true; endSession()
  :: else
  fi;
  i = 0;
  clear(m)
}

#define AGAIN(l) (link == streaming && !dev[l].blocked && dev[l].again != 0 && CAN_SEND(up))
#define PENDING(l) (link == streaming && !dev[l].blocked && dev[l].sent < dev[l].head && \
  dev[l].again == 0 && !dev[l].late && dev[l].sent - dev[l].acked < WINDOW && CAN_SEND(up))
#define SILENT(l) (link == streaming && !dev[l].late && FLYING(l) != 0 && TIME && \
  BUG != NO_RESEND && BUG != DEAF_TO_GAPS)
#define GIVEN_UP(l) (link == streaming && dev[l].late && TIME)

#define DEVICE_LANE(l) \
  :: d_step { dev[l].head < SIZE(l) -> journal(l) } \
  :: d_step { PENDING(l) -> send(l, dev[l].sent + 1) } \
  :: d_step { PENDING(l) && dev[l].sent + 2 <= dev[l].head && \
     dev[l].sent + 2 - dev[l].acked <= WINDOW -> send(l, dev[l].sent + 2) } \
  :: d_step { AGAIN(l) -> sendAgain(l) } \
  :: d_step { SILENT(l) -> probe(l) } \
  :: d_step { GIVEN_UP(l) -> endSession(); i = 0 }

active proctype Device() {
  Message m, other, another;
  byte i, v, w, x, y, z;
end:
  do
  DEVICE_LANE(0)
  DEVICE_LANE(1)
  :: d_step { link == offline && CAN_SEND(up) ->
      link = greeting;
      makeStale(up);
      makeStale(down);
      if
      :: REWINDS > 0 -> put(up, hello, true, 0, dev[0].head, dev[0].bits, dev[0].acked,
        dev[1].head, dev[1].bits, dev[1].acked)
      :: REWINDS == 0 -> put(up, hello, true, 0, 0, 0, 0, 0, 0, 0)
      fi;
      i = 0
    }
  :: d_step { link == greeting && TIME -> endSession(); i = 0 }
  /* The connection breaks: what was on its way may come yet. */
  :: d_step { link == streaming && !calm -> endSession(); i = 0 }
  :: d_step { nempty(down) -> take(down, 0, m); receive() }
  :: d_step { len(down) > 1 -> take(down, 1, m); receive() }
  :: d_step { len(down) > 2 -> take(down, 2, m); receive() }
  :: atomic { !calm -> /* a crash */
      endSession();
      for (i : 0 .. LANES - 1) {
        do
        :: dev[i].acked > 0 -> dev[i].acked--
        :: break
        od
      };
      i = 0
    }
  :: atomic { !calm && rewinds < REWINDS ->
      rewinds++;
      life = true;
      endSession();
      for (i : 0 .. LANES - 1) {
        do
        :: dev[i].head > 0 -> dev[i].head--
        :: break
        od;
        dev[i].bits = dev[i].bits & low(dev[i].head);
        do
        :: dev[i].acked > dev[i].head -> dev[i].acked--
        :: dev[i].acked <= dev[i].head && dev[i].acked > 0 -> dev[i].acked--
        :: dev[i].acked <= dev[i].head -> break
        od
      };
      i = 0
    }
  od
}

inline verdictOf(l, theirHead, theirBits, theirAcked, verdict) {
  if
  :: REWINDS > 0 && theirHead < led[l].watermark -> verdict = rewound
  :: REWINDS > 0 && theirHead >= led[l].watermark &&
     (theirHead == led[l].watermark || theirAcked == led[l].watermark) &&
     differ(theirBits, led[l].bits, led[l].watermark) -> verdict = forked
  :: else -> verdict = ok
  fi
}

/* The next entry of a lane: nothing comes twice, nothing is left out, all is of one history. */
inline store(l, seq, entries) {
  assert(seq == led[l].watermark + 1);
  assert(!differ(entries, led[l].bits, led[l].watermark));
  led[l].bits = led[l].bits | (entries & (1 << (seq - 1)));
  led[l].watermark = seq
}

inline storeFrom(l, first) {
  for (i : first .. m.b) {
    store(l, i, m.c)
  }
}

#define isGap(l) (m.a > led[l].watermark + 1)
#define isForked(l) (differ(m.c, led[l].bits, \
  (m.b < led[l].watermark -> m.b : led[l].watermark)))

#define KEPT(l) (led[l].keptLast > 0)

inline forget(l) {
  led[l].keptFirst = 0;
  led[l].keptLast = 0;
  led[l].keptBits = 0
}

/* ahead.ts: one batch of a lane is kept for its turn; the newest. */
inline keep(l) {
  led[l].keptFirst = m.a;
  led[l].keptLast = m.b;
  led[l].keptBits = m.c
}

/* ingest.ts, joinBatch. The outcome is left in m.f: 0 taken, 1 gap, 2 forked. */
inline ingest(l, isKept) {
  m.f = 0;
  if
  :: BUG == TRUST_IN_ORDER -> z = m.a; storeFrom(l, z)
  :: BUG == GAP_FORGOTTEN && m.b > led[l].watermark ->
    z = (m.a > led[l].watermark -> m.a : led[l].watermark + 1);
    storeFrom(l, z)
  :: BUG != TRUST_IN_ORDER && BUG != GAP_FORGOTTEN && isGap(l) -> m.f = 1
  :: BUG != CHAIN_UNCHECKED && BUG != TRUST_IN_ORDER && !isGap(l) && isForked(l) &&
     !(isKept && BUG == KEPT_UNCHECKED) -> m.f = 2
  :: else ->
    if
    :: m.b > led[l].watermark -> z = led[l].watermark + 1; storeFrom(l, z)
    :: else
    fi
  fi
}

/* What was kept has its turn: it is taken as if it came now. */
inline takeTurn(l) {
  if
  :: KEPT(l) && led[l].keptFirst <= led[l].watermark + 1 ->
    m.a = led[l].keptFirst;
    m.b = led[l].keptLast;
    m.c = led[l].keptBits;
    forget(l);
    ingest(l, true)
  :: else
  fi
}

inline answerHello() {
  forget(0);
  forget(1);
  x = m.a; y = m.b; z = m.c;
  verdictOf(0, x, y, z, v);
  x = m.d; y = m.e; z = m.f;
  verdictOf(1, x, y, z, w);
  put(down, welcome, m.fresh, 0, led[0].watermark, v, led[1].watermark, w,
    led[0].bits, led[1].bits);
  v = 0; w = 0; y = 0; z = 0
}

inline answerBatch(l) {
  if
  :: m.f == 2 -> put(down, broken, false, 0, 0, 0, 0, 0, 0, 0)
  :: m.f == 1 ->
    z = (BUG == KEPT_IS_TOLD && KEPT(l) -> led[l].keptLast : led[l].watermark);
    put(down, ack, false, l, z, led[l].watermark + 1, led[l].bits, led[l].keptFirst,
      led[l].keptLast, 0)
  :: m.f == 0 && BUG != ACK_BEFORE_COMMIT ->
    put(down, ack, false, l, led[l].watermark, 0, led[l].bits, 0, 0, 0)
  :: m.f == 0 && BUG == ACK_BEFORE_COMMIT ->
    put(down, ack, false, l, m.b, 0, led[l].bits, 0, 0, 0)
  fi
}

/* Commits, and answers then. A crash takes what is not done yet. */
inline handle(phases) {
  x = m.lane;
  if
  :: m.kind == hello && phases == 2 -> answerHello()
  :: m.kind == batch && BUG != ACK_BEFORE_COMMIT ->
    if
    :: phases > 0 -> ingest(x, false)
    :: else
    fi;
    if
    :: phases > 1 && m.f == 0 -> takeTurn(x); answerBatch(x)
    :: phases > 1 && m.f == 1 ->
      if
      :: KEEPS -> keep(x)
      :: forget(x)
      fi;
      answerBatch(x)
    :: phases > 1 && m.f == 2 -> answerBatch(x)
    :: else -> forget(0); forget(1)
    fi
  :: m.kind == batch && BUG == ACK_BEFORE_COMMIT && !isGap(x) ->
    if
    :: phases > 0 -> answerBatch(x)
    :: else
    fi;
    if
    :: phases > 1 -> ingest(x, false)
    :: else
    fi
  :: else
  fi;
  i = 0; x = 0; z = 0;
  clear(m)
}

#define GATEWAY(ahead) \
  :: d_step { len(up) > ahead && CAN_SEND(down) -> take(up, ahead, m); handle(2) } \
  :: d_step { !calm && len(up) > ahead -> take(up, ahead, m); handle(1) } \
  :: d_step { !calm && len(up) > ahead -> take(up, ahead, m); handle(0) }

active proctype Gateway() {
  Message m, other, another;
  byte i, v, w, x, y, z;
end:
  do
  GATEWAY(0)
  GATEWAY(1)
  GATEWAY(2)
  :: d_step { !calm && KEPT(0) -> forget(0) }
  :: d_step { !calm && KEPT(1) -> forget(1) }
  od
}

/* What a crash or a broken link does not lose already. */
#define LOSE(ahead) \
  :: d_step { !calm && len(down) > ahead -> take(down, ahead, m); clear(m) }
#define REPEAT(ch, ahead) \
  :: d_step { !calm && len(ch) > ahead && nfull(ch) -> \
     take(ch, ahead, m); ch!!ALL(m); ch!!ALL(m); clear(m) }

active proctype Broker() {
  Message m, other, another;
end:
  do
  LOSE(0)
  LOSE(1)
  LOSE(2)
  REPEAT(up, 0)
  REPEAT(up, 1)
  REPEAT(down, 0)
  REPEAT(down, 1)
  :: !calm -> calm = true
  od
}

/* Once nothing fails any more, all that was journaled is in the ledger, and known to be. */
ltl settles { [](calm -> <>SETTLED) }
