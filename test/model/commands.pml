/*
 * Commands, as protocol/PROTOCOL.md, gateway/src/core/outbox.ts and agent/src/core/command*.ts have
 * them: each is obeyed once, in its turn, or expires, and the ledger learns which.
 *
 *   Gateway ── down ──► Device      both channels lose, repeat and reorder
 *           ◄── up ────
 *
 * Left out, and why: docs/internals/model.md. How receipts get into the ledger is the model
 * session.pml; here a batch of them either joins on to what the ledger has, or changes nothing.
 */

#ifndef COMMANDS
#define COMMANDS 2
#endif
#ifndef CAP
#define CAP 2 /* messages on the way, each way */
#endif
#ifndef WINDOW
#define WINDOW 2 /* commands without a receipt */
#endif

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
#define TWO_COMMITS 1      /* the effect is durable before the number is */
#define OBEYS_TWICE 2      /* the device obeys what it has obeyed */
#define GAP_TAKEN 3        /* the device obeys whatever is newer */
#define NO_RESEND 4        /* the gateway sends once in a session */
#define HASTY_RECEIPT 5    /* the receipt goes up before it is durable */
#define OWN_CLOCK 6        /* the device judges before it has been told the time */
#define HASTY_COMMAND 7    /* the command goes down before it is durable */
#define DEAF_GATEWAY 8     /* a gateway that was restarted waits for a hello */

#define bit(n) (1 << ((n) - 1))
#define low(n) ((1 << (n)) - 1)

mtype = { hello, report, welcome, commands, ack };
mtype = { offline, greeting, online };

/* In the ledger. Which of two commands has a number is one bit. */
byte issued;
byte contents;
byte settled;  /* receipts through this number are there */
byte outcomes; /* one bit: it expired */

/* In the journal of the device: each command through `last` has its receipt there. */
byte last;
byte obeyed; /* which of the two it was */
byte told;   /* it expired */
byte did;    /* effects that were had */

/* In memory. */
mtype link = offline;
byte acked;  /* receipts that are known to be in the ledger */
bool isHere; /* the gateway has heard the device since its start */
byte sent;

byte late; /* commands whose time is over */
bool calm; /* from here on nothing fails any more */

typedef Message { mtype kind; byte a, b, c };
chan up = [CAP] of { mtype, byte, byte, byte };
chan down = [CAP] of { mtype, byte, byte, byte };

#define SETTLED (issued == COMMANDS && settled == COMMANDS)
#define CAN_SEND(c) (!calm || nfull(c))
#define PENDING (isHere && sent < issued && sent - settled < WINDOW)
#define UNTOLD (link == online && acked < last)
#define QUIET (len(up) == 0 && len(down) == 0 && issued == COMMANDS && !PENDING && !UNTOLD && \
  link != offline)
/* A timer may fire at any time; once all is calm, it fires after all that needs none. */
#define TIME (!calm || QUIET)

#define ALL(m) m.kind, m.a, m.b, m.c
inline clear(m) { m.kind = 0; m.a = 0; m.b = 0; m.c = 0 }

/* Messages on the way are kept sorted: their order is no state, since any may come next. */
inline put(ch, k, a1, b1, c1) {
  if
  :: nfull(ch) -> ch!!k, a1, b1, c1
  :: full(ch) /* lost */
  fi
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

/* What the ledger has of the device is what the device has done. */
inline check() {
  assert(settled <= issued);
  assert(BUG == HASTY_COMMAND || last <= issued);
  assert(settled <= last);
  assert(((outcomes ^ told) & low(settled)) == 0);
  assert(((obeyed ^ contents) & low(last)) == 0);
  /* Each that did not expire had its effect, and no other. */
  assert((did & low(last)) == (low(last) & ~told))
}

inline haveEffect(n) {
  assert((did & bit(n)) == 0);
  assert((late & bit(n)) == 0);
  did = did | bit(n)
}

/* command-queue.ts and commands.ts: effect, receipt and number are one commit. */
inline obey(n) {
  if
  :: (late & bit(n)) && (link == online || BUG != OWN_CLOCK) -> told = told | bit(n)
  :: else -> haveEffect(n)
  fi;
  obeyed = (obeyed & ~bit(n)) | (m.c & bit(n));
  last = n
}

#define isNext(n) (n == last + 1 || (BUG == GAP_TAKEN && n > last) || \
  (BUG == OBEYS_TWICE && n <= last))

inline obeyAll() {
  for (i : m.a .. m.b) {
    if
    :: isNext(i) -> obey(i)
    :: else
    fi
  };
  i = 0;
  check()
}

inline receive() {
  if
  :: m.kind == welcome && link == greeting ->
    link = online;
    acked = (m.a > acked && m.a <= last -> m.a : acked)
  :: m.kind == ack -> acked = (m.a > acked && m.a <= last -> m.a : acked)
  /* The welcome told the time. */
  :: m.kind == commands && (link == online || BUG == OWN_CLOCK) -> obeyAll()
  :: else
  fi;
  clear(m)
}

inline crashDevice() {
  link = offline;
  if
  :: acked = 0 /* it is written with the next commit */
  :: true
  fi
}

active proctype Device() {
  Message m, other, another;
  byte i;
end:
  do
  :: d_step { link == offline && CAN_SEND(up) ->
      link = greeting;
      put(up, hello, last, 0, 0)
    }
  :: d_step { link == greeting && TIME -> link = offline }
  :: d_step { link == online && !calm -> link = offline }
  /* What it has to tell, and that it is there. */
  :: d_step { CAN_SEND(up) && (UNTOLD || (link == online && TIME && (!calm || !isHere))) ->
      put(up, report, acked + 1, last, told)
    }
  :: d_step { BUG == HASTY_RECEIPT && link == online && last < issued && CAN_SEND(up) ->
      put(up, report, acked + 1, last + 1, told)
    }
  :: d_step { nempty(down) -> take(down, 0, m); receive() }
  :: d_step { len(down) > 1 -> take(down, 1, m); receive() }
  :: d_step { len(down) > 2 -> take(down, 2, m); receive() }
  :: atomic { !calm -> crashDevice() }
  /* The power goes between the two commits. */
  :: atomic { BUG == TWO_COMMITS && !calm && link == online && last < sent &&
      (late & bit(last + 1)) == 0 ->
      haveEffect(last + 1);
      crashDevice()
    }
  od
}

/* outbox.ts: the device goes on behind a number. */
inline restart(n) { sent = n }

inline hear() {
  if
  :: !isHere && BUG != DEAF_GATEWAY -> isHere = true; restart(settled)
  :: else
  fi
}

#define joins (m.a <= settled + 1)

/* Commits, and answers then. A crash takes what is not done yet. */
inline handle(phases) {
  if
  :: m.kind == hello && phases == 2 ->
    isHere = true;
    restart(m.a);
    put(down, welcome, settled, 0, 0)
  :: m.kind == report ->
    if
    :: phases > 0 && joins && m.b > settled ->
      outcomes = outcomes | (m.c & low(m.b) & ~low(settled));
      settled = m.b;
      check()
    :: else
    fi;
    if
    :: phases > 1 ->
      hear();
      sent = (sent < settled -> settled : sent);
      put(down, ack, settled, 0, 0)
    :: else
    fi
  :: else
  fi;
  clear(m)
}

inline issue(which) {
  issued++;
  contents = contents | (which << (issued - 1))
}

#define GATEWAY(ahead) \
  :: d_step { len(up) > ahead && CAN_SEND(down) -> take(up, ahead, m); handle(2) } \
  :: d_step { !calm && len(up) > ahead -> take(up, ahead, m); handle(1); isHere = false; sent = 0 } \
  :: d_step { !calm && len(up) > ahead -> take(up, ahead, m); handle(0) }

active proctype Gateway() {
  Message m, other, another;
end:
  do
  :: d_step { issued < COMMANDS -> issue(0) }
  /* Which of two the first one is. */
  :: d_step { issued == 0 -> issue(1) }
  :: d_step { PENDING && CAN_SEND(down) ->
      put(down, commands, sent + 1, sent + 1, contents);
      sent++
    }
  :: d_step { PENDING && CAN_SEND(down) && sent + 2 <= issued &&
      sent + 2 - settled <= WINDOW ->
      put(down, commands, sent + 1, sent + 2, contents);
      sent = sent + 2
    }
  :: d_step { BUG == HASTY_COMMAND && !calm && isHere && issued < COMMANDS && sent == issued &&
      nfull(down) -> down!!commands, issued + 1, issued + 1, contents
    }
  /* Its patience grows, that of the device with its hello does not. */
  :: d_step { BUG != NO_RESEND && isHere && sent > settled && TIME &&
      (!calm || link == online) -> restart(settled)
    }
  GATEWAY(0)
  GATEWAY(1)
  GATEWAY(2)
  :: d_step { !calm -> isHere = false; sent = 0 } /* a crash */
  od
}

/* What a crash or a broken link does not lose already, and time that passes. */
#define LOSE(ch, ahead) \
  :: d_step { !calm && len(ch) > ahead -> take(ch, ahead, m); clear(m) }
#define REPEAT(ch, ahead) \
  :: d_step { !calm && len(ch) > ahead && nfull(ch) -> \
     take(ch, ahead, m); ch!!ALL(m); ch!!ALL(m); clear(m) }

active proctype World() {
  Message m, other, another;
end:
  do
  LOSE(down, 0)
  LOSE(down, 1)
  LOSE(up, 0)
  LOSE(up, 1)
  REPEAT(up, 0)
  REPEAT(up, 1)
  REPEAT(down, 0)
  REPEAT(down, 1)
  :: d_step { !calm ->
      if
      :: (late & bit(1)) == 0 -> late = late | bit(1)
      :: COMMANDS > 1 && (late & bit(2)) == 0 -> late = late | bit(2)
      :: COMMANDS > 2 && (late & bit(3)) == 0 -> late = late | bit(3)
      :: else
      fi
    }
  :: !calm -> calm = true
  od
}

/* Once nothing fails any more, each command has its receipt in the ledger. */
ltl settles { [](calm -> <>SETTLED) }
