const list = `
acid acorn acre actor agate alarm album alley amber anchor angle ankle apple apron arch
arena armor arrow ash aspen atlas attic axis bacon badge bagel baker bamboo banjo barn basil
basin beach beam bean bear beaver bell bench berry birch bison blade bloom boat bolt bone
book boot bowl brass bread brick bridge brook broom brush bucket bugle cabin cable cactus
camel canal candle canoe canyon carbon cargo carrot castle cave cedar cello chain chalk
cherry chess cider cigar circus clay cliff clock cloud clover coal cobalt cobra coffee comet
copper coral cork cotton couch crane crayon creek crown cube curtain cycle daisy dawn delta
denim desert diesel dingo dinner dock dome donkey door dragon drill drum duck dune eagle
easel echo elbow elm ember engine falcon feather fence fern ferry fiddle field finch flag
flame flask flint flour flute foam forest fork fossil fox frog garden garlic gate gecko
ginger glacier glass globe glove goat grain granite grape guitar hammer harbor hawk hazel
hedge helmet heron hill honey horn hotel igloo ink iris iron island ivory jacket jade jelly
jungle kayak kettle kite kiwi koala ladder lagoon lake lamp lantern lava lemon lens lily
lion lizard llama lobster lunar magnet mango maple marble meadow melon mint mirror moss moth
mule nectar needle nickel nutmeg oak oasis ocean olive onion opal orbit otter owl paddle
palm panda papaya paper parrot peach pearl pebble pelican pepper piano pine planet plum
polar poppy quartz rabbit raven reef river robin rocket saddle sage salmon silver spruce
tiger tulip
`;

/**
 * 256 short words, one for each byte: for people who compare what two screens show. Both sides have
 * the same ones, so they never change.
 */
export const words: readonly string[] = list.trim().split(/\s+/);
