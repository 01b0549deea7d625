/*
 * The commit protocol of one subtask: opening, publishing, fencing, collecting manifests, deleting
 * files, pins, and reading. Writers may stop at any step for ever (they crashed) or for a while
 * (they were paused), beside each other; a request whose answer was lost may be carried out late.
 *
 * What is a step here is one request to the storage there; a comment names the function that makes
 * it. docs/MODEL.md says what is checked, within which bounds, and what the switches
 * (WITHOUT_...) take away.
 *
 * A storage is taken to do what docs/DURABILITY.md asks of it: requests are atomic, and what a
 * listing or a read shows is not older than what was answered before.
 */

#ifndef WRITERS
#define WRITERS 2
#endif
#ifndef COMMITS /* that are tried by the first writer, those tried again included; by the others 1 */
#define COMMITS 2
#endif
#ifndef VERSIONS
#define VERSIONS 6 /* of the manifest; who would need more stops */
#endif
/* Each writer has its own, so that the order in which they take them makes no other state. */
#define SNAPSHOTS_EACH 4
#define WRITER_IDS_EACH 4
#define FILES_EACH 4
#define SNAPSHOTS (WRITERS * SNAPSHOTS_EACH)
#define WRITER_IDS (WRITERS * WRITER_IDS_EACH)
#define FILES (WRITERS * FILES_EACH)

#define BIT(i) (1 << (i))
#define HAS(set, i) (((set) >> (i)) & 1)

/* ---- The storage ---- */

/* manifest/<version>: who wrote it (a random id an attempt; 0: there is none), and its content. A
 * checkpoint is the bit of its file. */
byte v_writer[VERSIONS + 1];
bit v_opens[VERSIONS + 1];
byte v_snapshot[VERSIONS + 1];
byte v_adds[VERSIONS + 1];
byte v_drops[VERSIONS + 1];
/* snapshots/: the list as of a version. */
bit s_exists[SNAPSHOTS];
byte s_version[SNAPSHOTS];
byte s_list[SNAPSHOTS];
/* log/ and base/: a file a checkpoint, with the attempt in its name. */
byte files;
byte f_attempt[FILES];
/* pins/: a file each. */
byte pins;

/* Requests to create a version that were answered with an error and are still on their way, one a
 * writer. 0: none. */
byte late_version[WRITERS];
byte late_writer[WRITERS];
byte late_snapshot[WRITERS];
byte late_adds[WRITERS];
byte late_drops[WRITERS];
bit late_opens[WRITERS];

/* ---- What nobody knows but the proof ---- */

byte attempt_of[WRITER_IDS + 1];
byte truth;        /* the list of the newest version */
byte acknowledged; /* checkpoints that Wait() reported, and nobody dropped */
byte counting;     /* pins whose maker was told that they count */
byte holder;       /* who opened the newest attempt: an opening that comes late fences nobody */

hidden byte h_v, h_k;

/* The newest version; 0: none. */
#define FIND_NEWEST(n) \
  n = VERSIONS; \
  do \
  :: n > 0 && v_writer[n] == 0 -> n--; \
  :: else -> break; \
  od

/* The list as of version `n`, by what lies in the storage. */
#define REPLAY(n, list) \
  list = 0; \
  if \
  :: n > 0 -> \
    assert(s_exists[v_snapshot[n]]); \
    list = s_list[v_snapshot[n]]; \
    h_k = s_version[v_snapshot[n]] + 1; \
    do \
    :: h_k <= n -> \
      assert(v_writer[h_k] != 0); \
      list = (list | v_adds[h_k]) & ~v_drops[h_k]; \
      h_k++; \
    :: else -> break; \
    od; \
    h_k = 0; \
  :: else; \
  fi

/* After every change: what was acknowledged is in the newest list, and whole. */
#define CHECK_NOTHING_LOST() \
  FIND_NEWEST(h_v); \
  REPLAY(h_v, truth); \
  h_v = 0; \
  assert((acknowledged & ~truth) == 0); \
  assert((truth & ~files) == 0); \
  assert((counting & ~files) == 0)

/* A version gets its name. A commit of a writer that was fenced never does; what fills the place of
 * a version that was collected is neither. */
#define WRITE_VERSION(n, id, opens, snapshot, adds, drops) \
  FIND_NEWEST(h_v); \
  if \
  :: n > h_v && opens -> holder = id; \
  :: n > h_v && !(opens) -> assert(holder == id); \
  :: else; \
  fi; \
  h_v = 0; \
  v_writer[n] = id; \
  v_opens[n] = opens; \
  v_snapshot[n] = snapshot; \
  v_adds[n] = adds; \
  v_drops[n] = drops; \
  acknowledged = acknowledged & ~(drops); \
  CHECK_NOTHING_LOST()

#define PUT_SNAPSHOT(s, version, list) \
  if \
  :: made_snapshots == SNAPSHOTS_EACH -> goto stopped; \
  :: else; \
  fi; \
  s = me * SNAPSHOTS_EACH + made_snapshots; \
  made_snapshots++; \
  s_exists[s] = 1; \
  s_version[s] = version; \
  s_list[s] = list

/* ---- A writer ---- */

#define NONE 255

/* Whether another's version stands where its own next one would: after those of its own that are in
 * doubt, of which there are no more than two here. */
#define IS_OTHERS(n) (n <= VERSIONS && v_writer[n] != 0 && !HAS(own, v_writer[n]))
#define IS_OWN(n) (n <= VERSIONS && v_writer[n] != 0 && HAS(own, v_writer[n]))
#define IS_FENCED \
  (IS_OTHERS(version + 1) || IS_OWN(version + 1) && \
    (IS_OTHERS(version + 2) || IS_OWN(version + 2) && IS_OTHERS(version + 3)))
/* CheckNotFenced */
#ifdef WITHOUT_LOOKING_FURTHER
#define SEES_FENCE IS_OTHERS(version + 1)
#else
#define SEES_FENCE IS_FENCED
#endif

/* A version of this writer, or no answer: the request is under way. Nobody waits for a second one. */
#define CREATE_LATE(n, opens, adds, drops) \
  is_late = 1; \
  late_version[me] = n; \
  late_writer[me] = id; \
  late_snapshot[me] = s; \
  late_opens[me] = opens; \
  late_adds[me] = adds; \
  late_drops[me] = drops

/* Below, what is in one `atomic` is one request to the storage, and what its answer is used for. */
proctype Writer(byte me) {
  /* Repository's members. */
  byte version;       /* manifest_.version: the last one that was acknowledged */
  byte list;          /* manifest_ */
  byte own;           /* own_writers_ */
  byte id;            /* writer_ */
  byte first;         /* first_attempt_ */
  byte snapshot;      /* snapshot_ */
  byte next_snapshot; /* next_snapshot_, or NONE */
  byte superseded;    /* superseded_versions_ */
  byte kept;          /* kept_versions_ */
  byte old_snapshots; /* superseded_snapshots_ */
  byte dropped;       /* dropped_ */
  byte read_pins;     /* pinned_files_ */
  /* The checkpoint that is being made, and what it lets go. */
  byte file, drops;
  /* Of a step. */
  byte n, s, going;
  byte tries, made_snapshots, made_ids, made_files;
  bit is_late;
  bit in_doubt;   /* whether the last version was published */
  bit was_fenced; /* before it began to delete: then it must not */

  /* The first one has been open since before anything happens here, and made a checkpoint. */
  if
  :: me == 0 ->
    d_step {
      id = 1;
      own = BIT(1);
      made_snapshots = 1;
      made_ids = 1;
      made_files = 1;
      first = 1;
      next_snapshot = NONE;
      version = 2;
      list = 1;
      kept = BIT(0) | BIT(1);
      superseded = BIT(2);
    }
    goto working;
  :: else;
  fi;

  /* Open: ReadChain. That it takes several requests is Reader's business. */
opening:
  atomic {
    d_step {
      FIND_NEWEST(n);
      REPLAY(n, list);
      next_snapshot = NONE;
      kept = 0;
      superseded = 0;
      first = 1;
      s = 1;
      do
      :: s <= n ->
        if
        :: v_writer[s] != 0 ->
          if
          :: attempt_of[v_writer[s]] >= first -> first = attempt_of[v_writer[s]] + 1;
          :: else;
          fi;
          /* ClassifyOldVersions: those that open an attempt stay, and those before them. */
          if
          :: v_opens[s] -> kept = kept | BIT(s) | BIT(s - 1);
          :: else -> superseded = superseded | BIT(s);
          fi;
        :: else;
        fi;
        s++;
      :: else -> break;
      od;
      s = 0;
    }
    if
    :: n == VERSIONS -> goto stopped;
    :: else;
    fi;
  }
  /* PutOpeningSnapshot */
  atomic { PUT_SNAPSHOT(s, n, list); }
  /* Create */
  atomic {
    if
    :: made_ids == WRITER_IDS_EACH -> goto stopped;
    :: else;
    fi;
    made_ids++;
    id = me * WRITER_IDS_EACH + made_ids;
    attempt_of[id] = first;
    own = own | BIT(id);
    if
    :: v_writer[n + 1] == 0 ->
      d_step { WRITE_VERSION(n + 1, id, 1, s, 0, 0); }
    :: v_writer[n + 1] != 0 -> goto opening;
    :: v_writer[n + 1] == 0 && !is_late -> /* no answer: Open fails, and is called again */
      d_step { CREATE_LATE(n + 1, 1, 0, 0); }
      goto opening;
    fi;
  }
  /* Versions: a later one means that this one fills a hole, or was fenced already. Adopt. */
  atomic {
    d_step { FIND_NEWEST(h_v); going = (h_v > n + 1); h_v = 0; }
#ifndef WITHOUT_LATE_CHECK
    if
    :: going -> going = 0; goto opening;
    :: else;
    fi;
#endif
    d_step {
      version = n + 1;
      snapshot = s;
      kept = kept | BIT(n) | BIT(n + 1);
      superseded = superseded & ~kept;
      n = 0;
      s = 0;
      /* DeleteLeftovers: LeftoverFiles, those of attempts before this handle's first. */
      going = 0;
      do
      :: s < FILES ->
        if
        :: HAS(files, s) && !HAS(list, s) && f_attempt[s] < first -> going = going | BIT(s);
        :: else;
        fi;
        s++;
      :: else -> break;
      od;
      s = 0;
    }
    if
    :: going -> goto delete_files;
    :: else;
    fi;
  }

working:
end:
  do
  :: atomic {
      tries < (me == 0 -> COMMITS : 1) ->
      tries++;
      /* The segment is put once; a checkpoint that failed is tried again with it. */
      if
      :: file == 0 ->
        if
        :: made_files == FILES_EACH -> goto stopped;
        :: else;
        fi;
        file = BIT(me * FILES_EACH + made_files);
        f_attempt[me * FILES_EACH + made_files] = attempt_of[id];
        made_files++;
        files = files | file;
      :: else -> assert((truth & file) == 0); /* what was reported as failed cannot come back */
      fi;
      /* Retention: the newest stays. The last look at the pins counts, for what it is worth. */
      drops = list & ~read_pins;
#ifdef WITHOUT_COMMIT_BEFORE_DELETE
      d_step { files = files & ~drops; CHECK_NOTHING_LOST(); }
#endif
      goto publish;
    }
  :: atomic {
      next_snapshot == NONE && version > s_version[snapshot] &&
          made_snapshots < SNAPSHOTS_EACH ->
      /* CollectManifests: WriteSnapshotIfDue. The next version names it. */
      PUT_SNAPSHOT(next_snapshot, version, list);
    }
  :: atomic {
      old_snapshots != 0 || (superseded & (BIT(s_version[snapshot] + 1) - 1)) != 0 ->
      /* DeleteSuperseded: CheckNotFenced. */
      d_step {
        going = superseded & (BIT(s_version[snapshot] + 1) - 1);
#ifdef WITHOUT_KEPT_OPENINGS
        going = (going | kept) & (BIT(s_version[snapshot] + 1) - 1) & ~1;
#endif
        s = old_snapshots;
        was_fenced = IS_FENCED;
      }
#ifndef WITHOUT_FENCE_CHECK
      if
      :: SEES_FENCE -> goto stopped;
      :: else;
      fi;
#endif
      assert(!was_fenced);
      goto delete_manifests;
    }
  :: atomic {
      (dropped & ~read_pins) != 0 ->
      /* DeleteDropped. */
      going = dropped & ~read_pins;
      dropped = dropped & read_pins;
      was_fenced = IS_FENCED;
      goto delete_files;
    }
  od;

  /* Publish: Create. */
publish:
  atomic {
    n = version + 1;
    s = (next_snapshot == NONE -> snapshot : next_snapshot);
    if
    :: n > VERSIONS -> goto stopped;
    :: n <= VERSIONS && v_writer[n] == 0 ->
      d_step { WRITE_VERSION(n, id, 0, s, file, drops); }
      if
      :: /* Acknowledge: Wait() reports the checkpoint. */
        d_step {
          acknowledged = acknowledged | file;
          list = (list | file) & ~drops;
          dropped = dropped | drops;
          version = n;
          superseded = superseded | BIT(n);
          if
          :: next_snapshot != NONE ->
            old_snapshots = old_snapshots | BIT(snapshot);
            snapshot = next_snapshot;
            next_snapshot = NONE;
          :: else;
          fi;
          file = 0;
          drops = 0;
          n = 0;
          s = 0;
        }
        goto working;
      :: skip; /* the answer is lost */
      fi;
    :: n <= VERSIONS && v_writer[n] == 0 && !is_late -> /* not carried out yet */
      d_step { CREATE_LATE(n, 0, file, drops); }
    :: n <= VERSIONS && v_writer[n] != 0 && HAS(own, v_writer[n]) -> skip; /* a late one of ours */
    :: n <= VERSIONS && v_writer[n] != 0 && !HAS(own, v_writer[n]) -> goto stopped; /* Fenced */
    fi;
    /* In doubt: the checkpoint is reported as failed. */
    d_step { drops = 0; n = 0; s = 0; in_doubt = 1; }
#ifdef WITHOUT_NEW_ATTEMPT
    in_doubt = 0;
    goto working;
#endif
  }

  /* Maintenance goes on meanwhile: DeleteDropped. */
  atomic {
    if
    :: (dropped & ~read_pins) != 0 ->
      going = dropped & ~read_pins;
      dropped = dropped & read_pins;
      was_fenced = IS_FENCED;
      goto delete_files;
    :: skip;
    fi;
  }

  /* Prepare: LastOfOurs. */
preparing:
  atomic {
    n = version;
    do
    :: n < VERSIONS && v_writer[n + 1] != 0 && HAS(own, v_writer[n + 1]) -> n++;
    :: n < VERSIONS && v_writer[n + 1] != 0 && !HAS(own, v_writer[n + 1]) -> goto stopped;
    :: else -> break;
    od;
    if
    :: n == VERSIONS -> goto stopped;
    :: else;
    fi;
  }
  /* The list as of the last version that was acknowledged, at the place of the last that exists. */
  atomic { PUT_SNAPSHOT(s, n, list); }
  atomic {
    if
    :: made_ids == WRITER_IDS_EACH -> goto stopped;
    :: else;
    fi;
    made_ids++;
    attempt_of[me * WRITER_IDS_EACH + made_ids] = attempt_of[id] + 1;
    id = me * WRITER_IDS_EACH + made_ids;
    own = own | BIT(id);
    if
    :: v_writer[n + 1] == 0 ->
      d_step { WRITE_VERSION(n + 1, id, 1, s, 0, 0); }
    :: else -> goto preparing;
    fi;
  }
  atomic {
    d_step { FIND_NEWEST(h_v); going = (h_v > n + 1); h_v = 0; }
    if
    :: going -> going = 0; goto preparing;
    :: else;
    fi;
    d_step {
      in_doubt = 0;
      old_snapshots = old_snapshots | BIT(snapshot);
      if
      :: next_snapshot != NONE ->
        old_snapshots = old_snapshots | BIT(next_snapshot);
        next_snapshot = NONE;
      :: else;
      fi;
      snapshot = s;
      /* What was in doubt is classified: openings stay. */
      s = version + 1;
      do
      :: s <= n ->
        if
        :: v_opens[s] -> kept = kept | BIT(s) | BIT(s - 1);
        :: else -> superseded = superseded | BIT(s);
        fi;
        s++;
      :: else -> break;
      od;
      kept = kept | BIT(n) | BIT(n + 1);
      superseded = superseded & ~kept;
      version = n + 1;
      n = 0;
      s = 0;
    }
    goto working;
  }

  /* Delete: versions in ascending order, then snapshots. */
delete_manifests:
  do
  :: atomic {
      going != 0 ->
      d_step {
        n = 1;
        do
        :: !HAS(going, n) -> n++;
        :: else -> break;
        od;
        going = going & ~BIT(n);
        superseded = superseded & ~BIT(n);
        kept = kept & ~BIT(n);
        v_writer[n] = 0;
        v_opens[n] = 0;
        v_snapshot[n] = 0;
        v_adds[n] = 0;
        v_drops[n] = 0;
        n = 0;
        CHECK_NOTHING_LOST();
      }
    }
  :: atomic {
      going == 0 && s != 0 ->
      d_step {
        do
        :: !HAS(s, n) -> n++;
        :: else -> break;
        od;
        s = s & ~BIT(n);
        old_snapshots = old_snapshots & ~BIT(n);
        s_exists[n] = 0;
        n = 0;
        CHECK_NOTHING_LOST();
      }
    }
  :: atomic { going == 0 && s == 0 -> goto working; }
  od;

  /* DeleteUnlessPinned: CheckNotFenced, */
delete_files:
  atomic {
    skip;
#ifndef WITHOUT_FENCE_CHECK
    if
    :: SEES_FENCE -> goto stopped;
    :: else;
    fi;
#endif
  }
  /* ReadPins, */
  atomic {
    assert(!was_fenced);
#ifndef WITHOUT_READING_PINS
    d_step {
      read_pins = pins;
      dropped = dropped | (going & read_pins);
      going = going & ~read_pins;
    }
#endif
  }
  /* Delete. */
  do
  :: atomic {
      going != 0 ->
      d_step {
        do
        :: !HAS(going, n) -> n++;
        :: else -> break;
        od;
        going = going & ~BIT(n);
        files = files & ~BIT(n);
        f_attempt[n] = 0;
        n = 0;
        CHECK_NOTHING_LOST();
      }
    }
  :: atomic {
      going == 0 ->
      if
      :: in_doubt -> goto preparing;
      :: else -> goto working;
      fi;
    }
  od;

stopped:
  atomic {
    skip;
    /* What nobody looks at any more makes no other state. */
    d_step {
      version = 0; list = 0; own = 0; id = 0; first = 0; snapshot = 0; next_snapshot = 0;
      superseded = 0; kept = 0; old_snapshots = 0; dropped = 0; read_pins = 0;
      file = 0; drops = 0; n = 0; s = 0; going = 0; tries = 0; is_late = 0; was_fenced = 0; in_doubt = 0;
      made_snapshots = 0; made_ids = 0; made_files = 0;
    }
  }
}

/* ---- Requests that come late ---- */

proctype Network(byte i) {
end:
  do
  :: atomic {
      late_version[i] != 0 ->
      if
      :: v_writer[late_version[i]] == 0 ->
        d_step {
          WRITE_VERSION(late_version[i], late_writer[i], late_opens[i], late_snapshot[i],
                        late_adds[i], late_drops[i]);
        }
      :: else; /* the name is taken */
      fi;
      d_step {
        late_version[i] = 0; late_writer[i] = 0; late_snapshot[i] = 0; late_adds[i] = 0;
        late_drops[i] = 0; late_opens[i] = 0;
      }
    }
  od;
}

/* ---- A reader: ReadChain, and the files of the newest checkpoint ---- */

proctype Reader() {
  byte n, s, list, v, k;

reading:
  skip;
  d_step { FIND_NEWEST(n); }
  if
  :: n == 0 -> goto done;
  :: else;
  fi;
  /* The newest version, */
  atomic {
    if
    :: v_writer[n] == 0 -> goto vanished;
    :: else -> s = v_snapshot[n];
    fi;
  }
  /* the snapshot that it names, */
  atomic {
    if
    :: !s_exists[s] -> goto vanished;
    :: else -> list = s_list[s]; v = s_version[s] + 1;
    fi;
  }
  /* and the versions between them. */
  do
  :: v <= n ->
    atomic {
      if
      :: v_writer[v] == 0 -> goto vanished;
      :: else -> list = (list | v_adds[v]) & ~v_drops[v]; v++;
      fi;
    }
  :: else -> break;
  od;
  /* All files of all checkpoints: whichever it restores. */
  atomic {
    if
    :: (list & ~files) != 0 -> goto vanished;
    :: else -> goto done;
    fi;
  }
vanished:
  /* Tolerate: lost, unless there is a newer version. */
#ifdef WITHOUT_LOOKING_AGAIN
  assert(false);
#endif
  atomic {
    d_step { FIND_NEWEST(k); }
    assert(k > n);
    d_step { n = 0; s = 0; list = 0; v = 0; k = 0; }
    goto reading;
  }
done:
  skip;
  d_step { n = 0; s = 0; list = 0; v = 0; k = 0; }
}

/* ---- Somebody who pins: PinCheckpoint ---- */

proctype Pinner() {
  byte n, list, pin;

  /* ListsOf */
  d_step {
    FIND_NEWEST(n);
    REPLAY(n, list);
  }
  if
  :: list == 0 -> goto done;
  :: else;
  fi;
  /* Any of them. */
  d_step {
    n = 0;
    do
    :: !HAS(list, n) -> n++;
    :: else -> break;
    od;
    pin = BIT(n);
    n = 0;
  }
  /* TryPin: the pin, */
  pins = pins | pin;
  /* then the newest list again. */
  atomic {
    d_step { FIND_NEWEST(n); REPLAY(n, list); n = 0; }
#ifndef WITHOUT_LOOKING_AFTER_PINNING
    if
    :: (list & pin) == 0 -> pins = pins & ~pin; goto done;
    :: else;
    fi;
#endif
    d_step { counting = pin; CHECK_NOTHING_LOST(); }
  }
done:
  skip;
  d_step { n = 0; list = 0; pin = 0; }
}

init {
  byte i;
  atomic {
    /* Version 1 opens the first attempt, version 2 adds the first checkpoint. */
    attempt_of[1] = 1;
    holder = 1;
    s_exists[0] = 1;
    v_writer[1] = 1;
    v_opens[1] = 1;
    v_writer[2] = 1;
    v_adds[2] = 1;
    files = 1;
    f_attempt[0] = 1;
    acknowledged = 1;
    truth = 1;
    do
    :: i < WRITERS -> run Writer(i); run Network(i); i++;
    :: else -> break;
    od;
#ifndef WITHOUT_READER
    run Reader();
#endif
#ifndef WITHOUT_PINNER
    run Pinner();
#endif
  }
}
