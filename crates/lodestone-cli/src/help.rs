//! Long help: examples, and what an exit code means.

pub(crate) const MAIN: &str = "\
Exit status: 0 all read, nothing matched; 1 something matched; 2 something could not be read or done.
First steps: `lodestone demo`, then `lodestone scan --help`. `-h` is short, `--help` has examples and limits.
Nothing here opens a network connection but `serve` and `exchange`.";

pub(crate) const SCAN: &str = "\
Examples:
  Match a folder against a list of PDQ hashes, one a line, and write a report:
      lodestone scan E:/pictures --known pdq:list.txt --report report.html
  A hotline's CSV, a Project VIC set, and system files to set aside:
      lodestone scan case/ --known list.csv --known vics.json --known-good RDS.db
  Every file as one JSON object a line, then groups, then a summary:
      lodestone scan case/ --known md5:known.md5 --format ndjson > out.ndjson
  A large folder, to be continued if it is interrupted; a second run reads only what changed:
      lodestone scan /srv/uploads --known list.csv --data ~/lodestone-data

How files end, the first that is true: known (in a list of known content), known_good (exact bytes of a known-good
  list), alike (to another scanned file), examined, unreadable. Nothing is left out.
Memory: each worker takes what its largest picture needs, at most --max-memory and twice --max-bytes;
  a 12 million pixel JPEG takes about 20 MB. The program itself takes some 600 bytes a file for grouping.
Without --data a scan leaves nothing behind but its output.
Exit status: 0 all read, nothing matched; 1 something matched; 2 something could not be read or done.";

pub(crate) const HASH: &str = "\
Examples:
  lodestone hash photo.jpg
  lodestone hash *.jpg > list.txt          a list for `scan --known pdq:list.txt`
  lodestone hash --format ndjson photo.jpg

PDQ is bit-exact with the full-size reference: stored pixels, EXIF orientation ignored, alpha dropped.
Exit status: 0 all read; 2 something could not be read.";

pub(crate) const MATCH: &str = "\
Examples:
  lodestone match photo.jpg --known pdq:list.txt
  lodestone match --signal pdq:f8f8f0ce…9b22 --data ~/lodestone-data --format ndjson
  Crops, collages, screenshots and edits of the pictures in a folder:
      lodestone match questioned/ --known known-pictures/ --layers 1,2,3 --format ndjson
  The same, and what a model of your own finds alike (docs/descriptors.md):
      lodestone match questioned/ --known known-pictures/ --descriptor sscd.toml --background sscd.lddb
  A value of 144 bytes made elsewhere, as 288 hexadecimal digits or 192 characters of base64; none is made here:
      lodestone match --signal photodna:AAECAwQF…jY6P --data ~/lodestone-data

  Every entry of one list against another:
      lodestone match --against pdq:known.txt pdq:new.txt --format csv > pairs.csv
  A new list against the banks, and against everything that scans with --data have ever read:
      lodestone match --against banks new.csv --data ~/lodestone-data
      lodestone match --against seen new.csv --data ~/lodestone-data
  Ask a remote matcher for hashes too; --send-files sends the files as well, where the exchange was added so:
      lodestone match photos/ --remote SHIELD --data ~/lodestone-data --format ndjson

What a matcher was not asked for or did not answer is told in `remote`, and is never \"no match\": exit status 2.
With --against, lists are compared as they are: pictures are turned and inverted only where pictures are known (seen).
  The lists after --against are indexed (128 bytes a PDQ hash, and some 20 an entry), the others streamed: any length.
Exit status: 0 nothing matched; 1 something matched; 2 something could not be read or done.";

pub(crate) const COMPARE: &str = "\
Examples:
  lodestone compare known.jpg questioned.png
  lodestone compare known.jpg questioned.png --report relation.html
  lodestone compare a.jpg b.jpg --format json

Each picture is taken as the known one of the other: by its bytes, by the hash of the whole and of regions, and by local
features, which give the transform and what was replaced. The page shows frames and outlines, no pixels.

Exit status: 0 no relation found, 1 related, 2 a picture could not be read.";

pub(crate) const KEY_ADD: &str = "\
Examples:
  The first key, of whoever runs the server:
      lodestone key add operator --role admin --data /srv/lodestone
  One for a client that hashes and looks up, good for a quarter of a year:
      TOKEN=$(lodestone key add coop --role hash,match --expires 90d --data /srv/lodestone)

The token goes to standard output, once; kept is its digest. Clients send it as `Authorization: Bearer TOKEN`.
  The server has to be stopped; a running one makes keys by POST /v1/keys.
Exit status: 0 made; 2 not.";

pub(crate) const BANK_SET: &str = "\
Examples:
  lodestone bank set NCMEC --radius 20 --data /srv/lodestone
  lodestone bank set NCMEC --members-needed 2 --confirmations-needed 1 --data /srv/lodestone
      two members hold a value, or one (or a person here) confirms it: else its matches are for a person to look at

Said of all entries of the bank that hold the same value counts together, each member once; whoever disputes it counts for
neither. What has too little support still matches, as `standing: review`: rules may put it before a person and do nothing
else, and the routes of Hasher-Matcher-Actioner leave it out. Entries of plain lists have no members: they wait for a person.";

pub(crate) const EXCHANGE_ADD: &str = "\
Examples:
  NCMEC's test database; credentials.json holds {\"user\": \"…\", \"password\": \"…\"}:
      lodestone exchange add NCMEC_TEST --api ncmec --environment test_Industry --credentials credentials.json \\
          --data /srv/lodestone
  A colleague's Lodestone, of which settings.json names the bank: {\"bank\": \"SHARED\"}:
      lodestone exchange add SHARED --api lodestone --base-url https://lists.example --settings settings.json \\
          --credentials token.json --data /srv/lodestone
  A remote matcher, which gives no list away and is asked for hashes (credentials.json: username, password):
      lodestone exchange add SHIELD --api arachnid --environment production --credentials credentials.json \\
          --data /srv/lodestone

Credentials: ncmec user, password; stop_ncii fetch_function_key, subscription_key (feedback_function_key to vote);
  fb_threatexchange api_token (and privacy_group in the settings); tat username, password; lodestone, hma token;
  arachnid username, password; remote_hma, remote_lodestone, remote_matcher token, where it wants one.
They are sealed with the key of --key-file, else LODESTONE_KEY, else secret.key in the data folder, which is made.
No request goes to another host than this one. It may lie on your own network, since you name it; plain http is for
  loopback only.
Exit status: 0 made; 2 not.";

pub(crate) const EXCHANGE_FETCH: &str = "\
Examples:
  lodestone exchange fetch NCMEC_TEST --data /srv/lodestone
  lodestone exchange fetch --all --data /srv/lodestone --format ndjson
  lodestone exchange fetch NCMEC_TEST --dry-run --data /srv/lodestone      what would come, and nothing changed

Each page is kept together with where it ended: a fetch that is killed, or fails, loses nothing and goes on there.
What is withdrawn does not match any more when this ends. A running server fetches by itself.
Exit status: 0 up to date; 2 not, with the reason on standard error.";

pub(crate) const EXCHANGE_VOTE: &str = "\
Examples:
  lodestone exchange vote NCMEC_TEST 42-image1 --confirm --data /srv/lodestone
  lodestone exchange vote NCMEC_TEST 42-image1 --dispute --reason 01234567-89ab-cdef-0123-456789abcdef --data D
  lodestone exchange vote NCMEC_TEST 42-image1 --dispute --reason \"Its name\" --data D

ncmec, stop_ncii and fb_threatexchange take votes. Votes that wait from before go first. Where the service cannot take it now,
vote and opinion are kept: a server on this folder sends it, with growing waits, or `lodestone exchange votes --send` does.
What the service refuses for good is not kept.
Exit status: 0 sent; 2 not.";

pub(crate) const EXCHANGE_VOTES: &str = "\
Examples:
  lodestone exchange votes --data /srv/lodestone                       what waits, and what was given up
  lodestone exchange votes NCMEC_TEST --retry --send --data /srv/lodestone

Of each exchange votes go in their order: one that cannot be sent now holds up those behind it. After twelve attempts in
three days a vote is dead, and waits for --retry. A newer vote on the same entry takes the place of one that was not sent.
Exit status: 0 listed, or all that waited was sent; 2 something was not.";

pub(crate) const KEY_ROTATE: &str = "\
Examples:
  lodestone key rotate-secrets --new-key-file /etc/lodestone/key --data /srv/lodestone
  lodestone key rotate-secrets --key-file old.key --new-key-file new.key --data /srv/lodestone

Credentials, signing secrets and local features of known pictures are sealed anew: all, or none. Another way is to restart
the server with the new --key-file and --old-key-file.
  A key is 32 bytes as 64 hexadecimal digits or base64, in a file that others can neither read nor change.
Exit status: 0 done; 2 not.";

pub(crate) const INDEX_BUILD: &str = "\
Examples:
  lodestone index build pdq:list.txt --out list.lseg
  lodestone index build --raw codes.bin --out codes.lseg --memory 512
  lodestone index search list.lseg --signal pdq:f8f8f0ce…9b22

An index file answers every radius exactly, is opened by mapping, and is the same whatever threads and memory built it.
  A file of that name is replaced if it is an index. docs/formats/segment.md draws it.
Exit status: 0 written; 2 not.";

pub(crate) const EXAMINE: &str = "\
Examples:
  lodestone examine photo.jpg
  A page that can be read, printed and followed, for every file of a folder:
      lodestone examine case/ --report examined.html
  One JSON object a file, as docs/formats/examine.md says:
      lodestone examine case/ --format ndjson > examined.ndjson
  With maps of the pixels to look at, and your own model:
      lodestone examine photo.jpg --maps maps/ --report photo.html --model detector/model.toml
  A damaged disk image's pictures, without looking at pixels:
      lodestone examine carved.zip --no-pixels

Findings are what a file says of itself and what its bytes and pixels show; each says where it stands and how it bears
  on each proposition. Weighed together they are likelihood ratios, with the calibration they rest on; where that has no
  ground, nothing is said. Their absence is no evidence. Nothing here may be the only ground for closing, discarding or
  not reporting a file.
No address in a file is ever asked; workers have no network (docs/examine.md says where that is enforced).
Exit status: 0 nothing matched; 1 something matched; 2 something could not be read or done.";

pub(crate) const CALIBRATE: &str = "\
Examples:
  lodestone calibrate --labelled known/ --out calib.json --report calib.html
  lodestone examine photo.jpg --calibration calib.json
  Your own model, on copies of one size:
      normalise.py known/ square/ --square 320
      lodestone calibrate --labelled square/ --model detector/model.toml --out calib.json

Each table is judged with one source left out in turn; those that may cost more than saying nothing are not written.
docs/calibration.md says what is weighed and what is not.
Exit status: 0 written; 2 no table could be made, or files could not be read.";

pub(crate) const EVAL: &str = "\
Examples:
  lodestone eval provenance corpus/
  lodestone eval provenance square/ --square 320 --model detector/model.toml

Scores of pixels are judged only where the pictures' size tells nothing: the control is printed first.
Exit status: 0 judged; 2 no such folder, or files could not be read.";

pub(crate) const EVAL_TAIL: &str = "\
Examples:
  lodestone eval tail ~/traffic/ --known pdq:list.txt --out tail.json
  lodestone match uploads/ --known pdq:list.txt --layers 1,2 --tail tail.json

The radius for regions follows from the length of the list and from how near unrelated pictures come to it. What is built
in was counted on photographs; documents, memes and screens may come nearer. Pictures that match the list are left out: they
would be counted as chance. Thousands of pictures are better than hundreds.

Exit status: 0 written; 2 something could not be read or done.";

pub(crate) const EVAL_BACKGROUND: &str = "\
Examples:
  lodestone eval background ~/unrelated/ --descriptor sscd.toml --out sscd.lddb
  lodestone match uploads/ --known known-pictures/ --descriptor sscd.toml --background sscd.lddb

What a descriptor's score is worth is counted on unrelated pictures: give pictures like those you look through, none of them
known or made from a known one. A thousand vouch for one accidental hit in a thousand pictures, and no number for less.
What cannot be read or described is listed and left out.

Exit status: 0 written; 2 something could not be read, described or done.";

pub(crate) const LEARN: &str = "\
Examples:
  lodestone provenance learn known/phone-x/ --label \"Maker Phone X\" --out phone-x.toml
  lodestone examine photo.jpg --structures phone-x.toml

Give files that are known to come from one source and were not saved again: the more firmware and settings, the better.
Exit status: 0 written; 2 not.";

pub(crate) const BANK_ADD: &str = "\
Examples:
  lodestone bank add case7 pictures/ --data ~/lodestone-data
  lodestone bank add case7 one.jpg two.png --key-file /etc/lodestone/key
  lodestone bank add hotline --signal pdq:f8f8f0ce…9b22 --signal md5:9e10…9bb6

Of pictures the bank keeps digests, PDQ and local features, under their path from the folder given: enough to find them
inside others with `--layers 1,2,3` when the pictures are gone. Features can be turned back into rough pictures: they are
sealed with the key of --key-file, else of LODESTONE_KEY, else of DATA/secret.key, which is made when there is none.
Without that key they cannot be used. With --descriptor vectors of your own model are kept in the same way, for layer 4. The
same files again change nothing.
Exit status: 0 banked; 2 not, and nothing is changed.";

pub(crate) const BANK_FEATURES: &str = "\
Examples:
  lodestone bank export-features case7 --out case7.ldfb --bundle-key case7.key --data ~/lodestone-data
  lodestone bank import-features case7 case7.ldfb --bundle-key case7.key --data /srv/lodestone

A bundle holds local features with the digests and ids of their entries, no pictures, no descriptors and no hashes to match. The receiver
has the entries already, by a list; those that the bundle does not know by digest or id are named and not taken. A bundle
that was changed or cut off is refused whole. Send the key another way than the bundle.
Exit status: 0 done; 2 not.";

pub(crate) const BANK_IMPORT: &str = "\
Examples:
  lodestone bank import hotline list.csv --data ~/lodestone-data
  lodestone bank import hotline pdq:hashes.txt
  lodestone bank import case7 vics.json --kind known-real
  lodestone bank import system RDS_2026.db --kind known-good
  lodestone bank import partner export.csv --map pdq=PerceptualHash,id=GUID

A column or line of 64 hexadecimal digits may be PDQ or SHA-256 and is never guessed: name its type.
Importing is all or nothing, and idempotent. Exit status: 0 imported; 2 not.";

pub(crate) const SERVE: &str = "\
Examples:
  For a try on this machine, without keys:
      lodestone serve --data ~/lodestone-data --open
  For others, with keys and TLS:
      lodestone key add moderation --role hash,match --data /var/lib/lodestone
      lodestone serve --data /var/lib/lodestone --listen 0.0.0.0:9876 --tls-cert chain.pem --tls-key key.pem

Clients of Hasher-Matcher-Actioner change their URL and nothing else; docs/hma-compatibility.md has every difference.
  Uploads are never kept. Without --open every request but /live, /ready and /status carries `Authorization: Bearer KEY`.
  A picture that cannot be read is an error with its reason, never \"no match\". Memory: about 130 bytes a PDQ value
  (mapped), 30 a digest, and for each worker up to twice the largest body and its decoder's limit.
  LODESTONE_LOG chooses what is logged: error, warn, info, debug.
";
