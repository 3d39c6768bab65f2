// An ES module, for the loader's sake.
import { basename } from 'path';

export const handler = async (event) => basename(event.name);
