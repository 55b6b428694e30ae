/**
 * What people hold a Dockerfile to who build from it for years: those rules of hadolint that can
 * be broken by one which is well-formed, under its names.
 *
 * @returns What is broken, with the line.
 */
export function brokenRules(dockerfile: string): readonly string[] {
  const broken: string[] = [];
  const told = (rule: string, line: string): void => void broken.push(`${rule}: ${line}`);
  const lines = instructionsOf(dockerfile);
  const stages = new Set<string>();
  let user = 'root';
  let hasWorkdir = false;
  for (const [index, line] of lines.entries()) {
    const [instruction = '', rest = ''] = split(line);
    switch (instruction) {
      case 'FROM':
        [user, hasWorkdir] = ['root', false];
        for (const rule of ofFrom(rest, stages)) told(rule, line);
        break;
      case 'RUN':
        for (const rule of ofRun(rest)) told(rule, line);
        if (split(lines[index - 1] ?? '')[0] === 'RUN') told('DL3059 two RUN in a row', line);
        break;
      case 'WORKDIR':
        hasWorkdir = true;
        if (!/^["$/]/.test(rest)) told('DL3000 absolute WORKDIR', line);
        break;
      case 'COPY': {
        const target = rest.split(/\s+/).at(-1) ?? '';
        if (!hasWorkdir && !target.startsWith('/')) told('DL3045 COPY to a relative place', line);
        const [, from] = /--from=(\S+)/.exec(rest) ?? [];
        if (from !== undefined && !stages.has(from)) told('DL3022 COPY of a stage', line);
        break;
      }
      case 'ADD':
        told('DL3020 COPY, not ADD', line);
        break;
      case 'CMD':
      case 'ENTRYPOINT':
        if (!rest.startsWith('[')) told('DL3025 arguments as JSON', line);
        if (lines.filter((each) => split(each)[0] === instruction).length > 1) {
          told('DL4003 and DL4004 one of a kind', line);
        }
        break;
      case 'EXPOSE':
        if (rest.split(/\s+/).some((port) => Number.parseInt(port, 10) > 65_535)) {
          told('DL3011 valid ports', line);
        }
        break;
      case 'MAINTAINER':
        told('DL4000 no MAINTAINER', line);
        break;
      case 'USER':
        user = rest;
        break;
      default:
    }
  }
  if (/^(?:root|0)(?::|$)/.test(user)) told('DL3002 the last USER is root', `USER ${user}`);
  return broken;
}

/** Instructions, each in one line. */
function instructionsOf(dockerfile: string): readonly string[] {
  return dockerfile
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '');
}

function split(line: string): readonly string[] {
  return /^(\S+)\s+([^]*)$/.exec(line)?.slice(1) ?? [];
}

function ofFrom(rest: string, stages: Set<string>): readonly string[] {
  const [image = '', as, name] = rest.split(/\s+/);
  const isStage = stages.has(image) || image === 'scratch';
  if (as?.toUpperCase() === 'AS' && name !== undefined) stages.add(name);
  const tag = /:([^/]+)$/.exec(image)?.[1];
  if (isStage) return [];
  if (tag === undefined && !image.includes('@')) return ['DL3006 a tag for the image'];
  return tag === 'latest' ? ['DL3007 another tag than latest'] : [];
}

/** By the commands of a line: what is asked of each that is like this. */
const commands: readonly (readonly [rule: string, command: RegExp, isRight: RegExp])[] = [
  ['DL3003 WORKDIR, not cd', /^cd\b/, /^$/],
  ['DL3004 no sudo', /^sudo\b/, /^$/],
  ['DL3027 apt-get, not apt', /^apt\b/, /^$/],
  ['DL3001 no place for it', /^(?:ssh|vim|shutdown|service|ps|free|top|kill|mount)\b/, /^$/],
  ['DL3014 apt-get install -y', /^apt-get install\b/, /\s(?:-y|--yes)\b/],
  ['DL3015 no recommended packages', /^apt-get install\b/, /--no-install-recommends/],
  ['DL3008 pinned packages', /^apt-get install\b/, /^apt-get install(?:\s+(?:-\S+|\S+=\S+))+$/],
  ['DL3016 pinned packages', /^npm install\b/, /^npm install(?:\s+(?:-\S+|\S+@\d\S*|\/\S+))+$/],
  ['DL3046 useradd -l', /^useradd\b.*--?u(?:id)?[ =]\d{6,}/, /\s-l\b/],
];

function ofRun(rest: string): readonly string[] {
  const each = rest.split(/\s*(?:&&|\|\||;|\|)\s*/);
  const found = each.flatMap((command) =>
    commands
      .filter(([, of, isRight]) => of.test(command) && !isRight.test(command))
      .map(([rule]) => rule),
  );
  const pipes = /[^|]\|[^|]/.test(rest) && !rest.includes('pipefail');
  const leftLists = /apt-get install/.test(rest) && !/rm -rf \/var\/lib\/apt\/lists/.test(rest);
  return [
    ...found,
    ...(pipes ? ['DL4006 pipefail before a pipe'] : []),
    ...(leftLists ? ['DL3009 no lists of packages left'] : []),
  ];
}
