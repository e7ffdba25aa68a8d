/** The public names of nn. */
