// In the place of packages that a bundle has no use for.
module.exports = {};
